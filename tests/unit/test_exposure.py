"""Nothing listens beyond this machine unprotected, unless it was told so."""

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from api import exposure, flower, redacting, system
from core.errors import ConfigError
from core.schemas.keys import digest_of, new_secret, redacted
from core.settings import Settings, read

LOGIN = SecretStr("ann:correct-horse")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_loopback_nothing_is_asked_for(host: str) -> None:
    settings = Settings(host=host)

    exposure.check(settings)

    assert settings.open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.7", "torouter.example", "127.0.0.1.example"])
def test_anywhere_else_it_does_not_start_unless_it_is_told_how(host: str) -> None:
    with pytest.raises(ConfigError, match=rf"TOROUTER_HOST={host} .*TOROUTER_AUTH=keys.*TOROUTER_AUTH=open"):
        exposure.check(Settings(host=host, flower_port=0))

    exposure.check(Settings(host=host, flower_port=0, auth="open"))
    exposure.check(Settings(host=host, flower_port=0, auth="keys"))
    assert not Settings(host=host).open


def test_flower_wants_a_password_there_even_where_the_api_is_open() -> None:
    with pytest.raises(ConfigError, match="TOROUTER_FLOWER_AUTH=USER:PASSWORD"):
        exposure.check(Settings(host="0.0.0.0", auth="open"))

    exposure.check(Settings(host="0.0.0.0", auth="open", flower_auth=LOGIN))


def test_keys_may_be_asked_for_on_loopback_too() -> None:
    assert not Settings(auth="keys").open


@pytest.mark.parametrize("login", ["hunter2", "ann:", ":hunter2", "ann:hunter2,bob:x", "ann:hünter2", "ann:hunter 2"])
def test_a_login_of_flower_that_is_none_is_named_and_not_said(monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    monkeypatch.setenv("TOROUTER_FLOWER_AUTH", login)

    with pytest.raises(ConfigError, match=r"TOROUTER_FLOWER_AUTH: .*USER:PASSWORD") as refused:
        read()

    assert login not in f"{refused.value} {refused.value.__cause__}"


def test_a_password_may_have_any_other_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    login = "ann:" + "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != ",")
    monkeypatch.setenv("TOROUTER_FLOWER_AUTH", login)

    assert read().flower_auth == SecretStr(login)


def test_children_get_secrets_as_they_are_and_in_no_argument(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, flower_auth=LOGIN)

    assert system.environment(settings)["TOROUTER_FLOWER_AUTH"] == LOGIN.get_secret_value()
    words = [word for child in system.ways_in(settings) for word in child.argv] + flower.arguments(settings, None)
    assert not any("horse" in word for word in words)
    assert "horse" not in f"{settings!r} {system.ways_in(settings)!r}"


def test_flower_runs_no_configuration_of_the_folder_that_it_is_started_in() -> None:
    arguments = flower.arguments(Settings(), None)

    assert "--conf=/dev/null" in arguments
    assert "--read_only=True" in arguments


def test_a_key_that_somebody_puts_into_a_url_is_cut_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    secret = new_secret()
    logger = logging.getLogger("test.redacting")
    logger.addFilter(redacting.Redacting())

    logger.warning('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", f"/v1/models?api_key={secret}", "1.1", 401)
    logger.warning("asked with %s" % secret)  # noqa: G002, UP031  # as others write

    assert secret not in caplog.text
    assert "/v1/models?api_key=tor-… HTTP/1.1" in caplog.text
    assert caplog.text.count("tor-…") == 2


def test_secrets_are_never_the_same_and_their_digest_does_not_tell_them() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert all(len(secret) == 68 and redacted(secret) == "tor-…" for secret in secrets)
    assert not any(secret.removeprefix("tor-") in digest_of(secret) for secret in secrets)
