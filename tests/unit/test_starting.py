"""Waiting for what a process needs: said once, for as long as it takes, and not for what no waiting mends."""

import logging

import pytest

from api import starting
from core.errors import ConfigError, NotReadyError, StoreError, StoreRefusedError


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(starting, "LOOK_S", 0.001)


def looks(*errors: Exception):
    """Fails with each of these in turn, then no longer."""
    left = list(errors)

    def look() -> None:
        if left:
            raise left.pop(0)

    return look


def test_what_is_missing_is_said_when_it_changes_and_when_it_is_there(caplog: pytest.LogCaptureFixture):
    away, old = StoreError("the database refused:\n\tnobody listens"), NotReadyError("run `torouter migrate`")

    starting.wait("the database db:5432", looks(away, away, away, old, old))

    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "waiting for the database db:5432 for 0 s now: the database refused: nobody listens",
        "waiting for the database db:5432 for 0 s now: run `torouter migrate`",
        "the database db:5432 was there after 0 s",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_who_waits_for_long_says_so_again(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(starting, "REMIND_S", 0.0)

    starting.wait("the broker", looks(NotReadyError("away"), NotReadyError("away")))

    assert caplog.text.count("waiting for the broker") == 2


def test_what_is_there_is_not_worth_a_line(caplog: pytest.LogCaptureFixture):
    starting.wait("the broker", looks())

    assert caplog.text == ""


@pytest.mark.parametrize("error", [StoreRefusedError("no permission"), ConfigError("a later version")])
def test_what_no_waiting_mends_is_an_error(error: Exception):
    with pytest.raises(type(error)):
        starting.wait("the database", looks(error))
