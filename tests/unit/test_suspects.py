"""Who has an engine to himself: suspects in groups, then alone; everybody else together, in turn."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.schemas.work import Suspect
from workers.suspects import TOGETHER, Turns, groups, suspect_from


@pytest.mark.parametrize(("max_attempts", "deaths"), [(1, 1), (2, 1), (3, 1), (4, 2), (9, 7)])
def test_the_last_two_chances_are_a_suspects(max_attempts: int, deaths: int):
    assert suspect_from(max_attempts) == deaths


def test_suspects_are_tried_in_groups_and_by_themselves_when_one_more_death_makes_them_guilty():
    suspects = [Suspect(id_, 2) for id_ in range(TOGETHER + 3)] + [Suspect(100, 3), Suspect(101, 3)]

    found = groups(suspects, max_attempts=4)

    assert found == [list(range(TOGETHER)), [16, 17, 18], [100], [101]]


def test_where_two_deaths_are_all_every_suspect_is_tried_by_itself():
    assert groups([Suspect(1, 1), Suspect(2, 1)], max_attempts=2) == [[1], [2]]


def test_who_is_alone_is_alone_and_the_others_share():
    turns, inside, most = Turns(), [], {True: 0, False: 0}
    lock = threading.Lock()

    def work(number: int) -> None:
        alone = number % 5 == 0
        with turns.take(alone=alone):
            with lock:
                inside.append(alone)
                assert not alone or inside == [True]
                assert inside.count(True) + (False in inside) <= 1
                most[alone] = max(most[alone], len(inside))
            time.sleep(0.005)
            with lock:
                inside.remove(alone)

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(work, range(60)))

    assert most[True] == 1
    assert most[False] > 1


def test_nobody_overtakes_who_waits_to_be_alone():
    turns, order = Turns(), []

    def work(name: str, *, alone: bool) -> None:
        with turns.take(alone=alone):
            order.append(name)

    with ThreadPoolExecutor(2) as threads, turns.take(alone=False):
        threads.submit(work, "suspect", alone=True)
        time.sleep(0.05)
        threads.submit(work, "late", alone=False)
        time.sleep(0.05)
        assert order == []

    assert order == ["suspect", "late"]
