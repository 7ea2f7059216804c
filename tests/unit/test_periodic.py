"""What is done every few seconds goes on, whatever happens."""

import threading

import pytest

from workers.periodic import Periodic


def test_an_error_that_is_not_ours_is_logged_and_the_next_round_comes(caplog: pytest.LogCaptureFixture):
    rounds, third = [], threading.Event()

    def action():
        rounds.append(1)
        if len(rounds) == 3:
            third.set()
        raise OSError("the file store is away")

    with Periodic("promoted", 0.01, action):
        assert third.wait(30)

    assert "promoted: an unexpected error" in caplog.text
    assert "OSError: the file store is away" in caplog.text
