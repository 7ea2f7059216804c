"""How often keys call is counted at a real broker, and here while that is away: no request fails for it."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import rates, valkey
from api.rates import Rates
from core.settings import Settings
from tests.system import until
from workers import away


class Broker:
    """An embedded Valkey that tests stop and start."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(valkey.child(self.settings).argv, stdout=subprocess.DEVNULL)
        until(lambda: valkey.answers(self.settings.socket), "the broker answers")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(Settings(home=tmp_path))
    yield broker
    broker.end()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away, "AWAY_S", 0.2)
    monkeypatch.setattr(rates, "ANSWER_S", 0.2)


def test_all_processes_count_together(broker: Broker):
    one, two = Rates(broker.settings.broker), Rates(broker.settings.broker)

    taken = [process.take("key_1", 3).taken for process in (one, two, one, two, one)]

    assert taken == [True, True, True, False, False]
    assert two.take("key_2", 3).taken
    for process in (one, two):
        process.close()


def test_a_broker_that_ends_and_comes_back_fails_no_request(broker: Broker):
    counts = Rates(broker.settings.broker)
    assert not [counts.take("key_1", 2).taken for _ in range(3)][-1]

    broker.end()
    alone = [counts.take("key_1", 2) for _ in range(3)]
    broker.start()
    time.sleep(0.3)
    other = Rates(broker.settings.broker)
    back = [process.take("key_1", 2).taken for process in (counts, other, counts)]

    assert [rate.taken for rate in alone] == [True, True, False]
    assert alone[-1].reset_s > 0
    assert back == [True, True, False]  # together again
    for process in (counts, other):
        process.close()


def test_a_broker_that_hangs_holds_up_one_request_in_a_while(broker: Broker):
    counts = Rates(broker.settings.broker)
    counts.take("key_1", 100)
    broker.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()

    assert all(counts.take("key_1", 100).taken for _ in range(20))

    assert time.monotonic() - began < 3
    broker.process.send_signal(signal.SIGCONT)
    counts.close()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "rediss://:secret@127.0.0.1:1/0", "amqp://127.0.0.1:1//"])
def test_without_a_broker_it_counts_here(url: str, caplog: pytest.LogCaptureFixture):
    counts = Rates(url)

    taken = [counts.take("key_1", 2).taken for _ in range(3)]

    assert taken == [True, True, False]
    assert "secret" not in caplog.text
    counts.close()
