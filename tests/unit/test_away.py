"""A broker that is away is asked once in a while, by one thread."""

import pytest
from kombu.exceptions import OperationalError

from core.errors import NotReadyError
from workers import away as module
from workers.away import Away


def attempt(away: Away, *, fails: bool) -> None:
    with away.trying():
        if fails:
            raise OperationalError("no answer")


def test_a_broker_that_is_there_is_always_asked():
    away = Away()

    attempt(away, fails=False)
    attempt(away, fails=False)


def test_after_a_failure_nobody_waits_for_another(monkeypatch: pytest.MonkeyPatch):
    away = Away()

    with pytest.raises(OperationalError):
        attempt(away, fails=True)
    with pytest.raises(NotReadyError):
        attempt(away, fails=False)

    monkeypatch.setattr(module, "AWAY_S", 0.0)
    with pytest.raises(OperationalError):  # the pause has been as long as it was then
        attempt(Away(), fails=True)


def test_one_finds_out_that_it_is_back_and_others_do_not_wait_meanwhile(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "AWAY_S", 0.0)
    away = Away()
    with pytest.raises(OperationalError):
        attempt(away, fails=True)
    monkeypatch.setattr(module, "AWAY_S", 60.0)

    with away.trying(), pytest.raises(NotReadyError):
        attempt(away, fails=False)

    attempt(away, fails=False)
