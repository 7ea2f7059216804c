"""Gathering messages into calls: the urgent first, none too long."""

import threading
import time

import pytest

from workers.gathering import CALL_S, Gatherer


class Calls:
    """Notes each call's ids, and takes as long as so many seconds each."""

    def __init__(self, each_s: float = 0.0) -> None:
        self.seen: list[list[int]] = []
        self._each_s = each_s
        self.may_work = threading.Event()
        self.may_work.set()

    def __call__(self, ids: list[int]) -> None:
        self.may_work.wait()
        self.seen.append(ids)
        time.sleep(self._each_s * len(ids))


def run(gatherer: Gatherer, *messages: list[int], urgent: bool = False) -> list[threading.Thread]:
    threads = [threading.Thread(target=gatherer.run, args=(ids,), kwargs={"urgent": urgent}) for ids in messages]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    return threads


def test_what_waits_together_is_worked_on_together():
    calls = Calls()
    calls.may_work.clear()
    gatherer = Gatherer(calls, wait_s=0.001, most=100)
    threads = run(gatherer, [0], [1, 2], [3])
    urgent = run(gatherer, [4], urgent=True)

    calls.may_work.set()
    for thread in (*threads, *urgent):
        thread.join()

    assert calls.seen == [[0], [4, 1, 2, 3]]


def test_a_slow_step_gets_no_more_than_it_does_in_a_short_time():
    calls = Calls(each_s=0.005)  # 50 in CALL_S
    gatherer = Gatherer(calls, wait_s=0.001, most=1000)

    for thread in run(gatherer, *[list(range(20))] * 20):
        thread.join()

    assert max(len(ids) for ids in calls.seen[3:]) * 0.005 <= 1.5 * CALL_S


def test_an_error_reaches_those_who_wait_for_that_call_alone():
    def fail(ids: list[int]) -> None:
        if 1 in ids:
            raise ValueError("no")

    gatherer = Gatherer(fail, wait_s=0.001, most=100)

    with pytest.raises(ValueError, match="no"):
        gatherer.run([1], urgent=False)
    gatherer.run([2], urgent=False)
