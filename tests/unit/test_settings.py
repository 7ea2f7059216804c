"""Settings that can't be are refused by name, before any process starts on them."""

import tempfile
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.settings import LONGEST_SOCKET_PATH, Settings, read


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"LOG_LEVEL": "verbose"}, "TOROUTER_LOG_LEVEL='VERBOSE': .*'DEBUG', 'INFO'"),
        ({"ROUTE_THREADS": "4"}, "TOROUTER_ROUTE_BULK_THREADS=8: .* less than TOROUTER_ROUTE_THREADS=4"),
        ({"ROUTE_BULK_THREADS": "16"}, "TOROUTER_ROUTE_BULK_THREADS='16': .* less than TOROUTER_ROUTE_THREADS=16"),
        ({"ROUTE_THREADS": "many"}, "TOROUTER_ROUTE_THREADS='many'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], told: str
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(f"TOROUTER_{name}", value)

    with pytest.raises(ConfigError, match=told):
        read()


def test_a_wrong_secret_is_named_and_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOROUTER_WEBHOOK_SECRET", "hunter2")

    with pytest.raises(ConfigError, match=r"TOROUTER_WEBHOOK_SECRET: .*whsec_") as refused:
        read()

    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"


def test_the_log_level_may_be_in_small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOROUTER_LOG_LEVEL", "debug")

    assert read().log_level == "DEBUG"


def test_every_process_looks_for_the_brokers_socket_in_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / ("long" * (LONGEST_SOCKET_PATH // 4))
    here = Settings(home=home).socket

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # a child's TMPDIR, which `torouter up` makes

    assert Settings(home=home).socket == here
    assert len(str(here).encode()) <= LONGEST_SOCKET_PATH


def test_secrets_are_read_from_files_without_their_last_newline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torouter_database_url").write_text("postgresql://torouter:secret@data/torouter\n")
    monkeypatch.setenv("TOROUTER_SECRETS_DIR", str(tmp_path))

    assert read().database == "postgresql://torouter:secret@data/torouter"


def test_the_environment_comes_before_secrets_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torouter_broker_url").write_text("redis://of-the-file")
    monkeypatch.setenv("TOROUTER_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("TOROUTER_BROKER_URL", "redis://of-the-environment")

    assert read().broker == "redis://of-the-environment"


def test_a_wrong_secret_in_a_file_is_named_and_not_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torouter_webhook_secret").write_text("hunter2")
    monkeypatch.setenv("TOROUTER_SECRETS_DIR", str(tmp_path))

    with pytest.raises(ConfigError, match=r"TOROUTER_WEBHOOK_SECRET: .*whsec_") as refused:
        read()

    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"


def test_a_missing_folder_of_secrets_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOROUTER_SECRETS_DIR", str(tmp_path / "away"))

    with pytest.raises(ConfigError, match=r"TOROUTER_SECRETS_DIR='.*away' is not a folder"):
        read()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:hun/ter2@db/torouter",
        "postgresql://ann:12/34hunter2@db/torouter",
        "redis://:hun#ter2@broker",
        "redis://:12?hunter2@broker",
        "redis://:hun@ter2@broker",
        "amqp://a:b@c;amqp://a:hun/ter2@c",
        "redis://[hunter2@broker",
    ],
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "BROKER_URL", "FILES_URL"])
def test_a_password_that_would_be_taken_for_a_host_is_refused_with_the_cure_and_not_said(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(f"TOROUTER_{name}", url)

    with pytest.raises(ConfigError, match=rf"TOROUTER_{name}: .*%40 for @") as refused:
        read()

    assert "ter2" not in f"{refused.value} {refused.value.__cause__}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite:////home/ann@work/torouter.db",
        "postgresql+psycopg://ann:p%40ss%2Fword@db:5432/torouter?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "rediss://:secret@[::1]:6379/0?ssl_cert_reqs=required",
        "sentinel://:secret@a:26379;sentinel://:secret@b:26379",
        "amqps://ann:secret@broker//",
        "redis+socket:///run/valkey.sock",
        "s3://bucket/folder@v1",
        "memory://",
    ],
)
def test_a_url_that_can_be_read_is_taken_as_it_is_and_not_shown(tmp_path: Path, url: str) -> None:
    settings = Settings(home=tmp_path, database_url=url, broker_url=url, files_url=url)

    assert settings.database_url == settings.broker_url == settings.files_url == url
    assert not url or url not in f"{settings!r} {settings}"
