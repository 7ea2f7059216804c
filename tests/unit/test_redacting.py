"""What stands between a secret and the logs."""

import logging
import sys
import threading
from pathlib import Path

import pytest

from api.redacting import Redacting, on_crash_of_thread, secrets_of
from core.settings import Settings

ENVIRONMENT = {"OPENAI_API_KEY": "sk-of-a-cloud", "HOME": "/home/ann", "TOROUTER_API_KEY": "tor-mine"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"database_url": "postgresql://ann:correct-horse@db/torouter"}, {"correct-horse"}),
        ({"database_url": "postgresql://db/torouter?user=ann&password=horse-1"}, {"horse-1"}),
        (
            {"broker_url": "rediss://:p%40ss%2Fword@broker:6379/0?ssl_cert_reqs=required"},
            {"p%40ss%2Fword", "p@ss/word"},
        ),
        ({"broker_url": "amqp://a:first-one@x//;amqp://a:second-one@y//"}, {"first-one", "second-one"}),
        ({"files_url": "sftp://ann:for-files@host/folder"}, {"for-files"}),
        ({"flower_auth": "ann:for-flower"}, {"for-flower"}),
    ],
)
def test_every_password_of_the_settings_is_known(changes: dict[str, str], expected: set[str], tmp_path: Path):
    found = set(secrets_of(Settings(home=tmp_path, **changes), ENVIRONMENT))

    assert found - {""} == expected | {"sk-of-a-cloud", "tor-mine"}


def failing(told: str) -> None:
    raise ValueError(told)


def test_a_secret_is_in_no_message_no_argument_and_no_trace(caplog: pytest.LogCaptureFixture):
    log, secret = logging.getLogger("tests.redacting"), "correct-horse"
    log.addFilter(Redacting({secret}))

    log.warning("of correct-horse, %s and %s", secret, ValueError(secret))
    try:
        failing(f"no {secret}")
    except ValueError:
        log.exception("failed")

    assert secret not in caplog.text
    assert caplog.text.count("[secret]") == 4


def test_a_message_that_cannot_be_made_is_left_to_its_handler():
    record = logging.LogRecord("tests", logging.WARNING, __file__, 1, "%d of these", ("none",), None)

    assert Redacting({"correct-horse"}).filter(record)
    assert record.args == ("none",)


def test_a_crash_says_no_secret(capsys: pytest.CaptureFixture[str]):
    try:
        failing("correct-horse")
    except ValueError as error:
        Redacting({"correct-horse"}).on_crash(type(error), error, sys.exc_info()[2])

    assert "ValueError: [secret]" in capsys.readouterr().err


def test_a_thread_s_crash_says_none_either(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "excepthook", Redacting({"correct-horse"}).on_crash)
    try:
        failing("correct-horse")
    except ValueError as error:
        crash = threading.ExceptHookArgs((type(error), error, error.__traceback__, None))
        on_crash_of_thread(crash)

    assert "ValueError: [secret]" in capsys.readouterr().err


def test_what_a_collector_is_told_is_a_secret(tmp_path: Path):
    environment = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20of-a-collector,x-tenant=of-a-tenant"}

    found = set(secrets_of(Settings(home=tmp_path), environment))

    assert {"of-a-collector", "Bearer of-a-collector", "of-a-tenant"} <= found
