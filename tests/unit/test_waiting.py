"""Waiting for prompts to end: one query a tick, however many wait."""

import asyncio
import logging
import threading
from collections.abc import Collection

import pytest

from api.waiting import FAILING_S, MOST_IDS, Waiting


class Asked:
    """Plays the store: which names have ended, and with how many ids it was asked in which thread."""

    def __init__(self) -> None:
        self.terminal: set[str] = set()
        self.sizes: list[int] = []
        self.threads: set[str] = set()
        self.error: Exception | None = None

    def ended(self, names: Collection[str]) -> set[str]:
        self.sizes.append(len(names))
        self.threads.add(threading.current_thread().name)
        if self.error:
            raise self.error
        return self.terminal & set(names)


async def stays() -> None:
    """A client that doesn't leave."""
    await asyncio.Event().wait()


async def leaves() -> None:
    """A client that leaves at once."""


def start(waiting: Waiting, name: str, timeout_s: float = 10) -> asyncio.Task[bool]:
    return asyncio.create_task(waiting.until_all_ended([name], timeout_s, stays()))


async def test_a_wait_ends_when_its_prompt_does():
    store = Asked()
    waiting = Waiting(store.ended, poll_s=0.01)
    first, second, other = start(waiting, "a"), start(waiting, "a"), start(waiting, "b")
    await asyncio.sleep(0.05)

    store.terminal = {"a"}

    assert await first
    assert await second
    assert not other.done()
    assert waiting.names == {"b"}
    other.cancel()


async def test_a_wait_for_several_ends_with_the_last_of_them():
    store = Asked()
    waiting = Waiting(store.ended, poll_s=0.01)
    both = asyncio.create_task(waiting.until_all_ended(["a", "b"], 10, stays()))

    store.terminal = {"b"}
    await asyncio.sleep(0.1)
    still_open, done = waiting.names, both.done()
    store.terminal = {"a"}

    assert await both
    assert (still_open, done) == ({"a"}, False)
    assert not waiting.names


async def test_a_wait_for_several_is_false_where_one_has_not_ended():
    store = Asked()
    store.terminal = {"a"}
    waiting = Waiting(store.ended, poll_s=0.01)

    assert not await waiting.until_all_ended(["a", "b"], 0.1, stays())

    assert not waiting.names


async def test_two_thousand_waits_take_two_queries_a_tick_and_no_thread_each():
    store = Asked()
    waiting = Waiting(store.ended, poll_s=0.05)
    waits = [start(waiting, str(number)) for number in range(2000)]
    await asyncio.sleep(0.5)

    store.terminal = waiting.names
    assert all(await asyncio.gather(*waits))

    ticks = 0.5 / 0.05 + 2
    assert set(store.sizes) == {MOST_IDS}
    assert 2 <= len(store.sizes) <= 2 * ticks
    assert len(store.threads) <= 4
    assert not waiting.names


async def test_nobody_is_asked_while_nobody_waits():
    store = Asked()
    waiting = Waiting(store.ended, poll_s=0.01)
    store.terminal = {"a"}
    await start(waiting, "a")
    asked = len(store.sizes)

    await asyncio.sleep(0.1)

    assert len(store.sizes) == asked
    store.terminal = {"b"}
    assert await start(waiting, "b")


async def test_a_wait_that_ends_early_says_so_and_leaves_nothing():
    waiting = Waiting(Asked().ended, poll_s=0.01)

    assert not await start(waiting, "a", timeout_s=0.05)

    assert not waiting.names


async def test_a_client_that_leaves_ends_its_wait_and_no_other():
    waiting = Waiting(Asked().ended, poll_s=0.01)
    other = start(waiting, "a", timeout_s=0.2)

    assert not await waiting.until_all_ended(["a"], 10, leaves())

    assert waiting.names == {"a"}
    assert not await other


async def test_a_cancelled_wait_leaves_nothing():
    waiting = Waiting(Asked().ended, poll_s=0.01)
    wait = start(waiting, "a")
    await asyncio.sleep(0.02)

    wait.cancel()
    await asyncio.gather(wait, return_exceptions=True)

    assert not waiting.names


async def test_a_store_that_fails_is_asked_again_and_logged_once(caplog: pytest.LogCaptureFixture):
    store = Asked()
    store.error = OSError("gone")
    waiting = Waiting(store.ended, poll_s=0.01)
    wait = start(waiting, "a")
    await asyncio.sleep(FAILING_S * 1.5)

    store.error, store.terminal = None, {"a"}

    assert await wait
    assert len(store.sizes) >= 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_closing_stops_the_looks():
    store = Asked()
    waiting = Waiting(store.ended, poll_s=0.01)
    wait = start(waiting, "a", timeout_s=0.1)
    await asyncio.sleep(0.03)

    await waiting.close()

    asked = len(store.sizes)
    assert not await wait
    assert len(store.sizes) == asked


async def test_nobody_waits_on_when_it_is_over():
    over = threading.Event()
    waiting = Waiting(Asked().ended, 0.01, over.is_set)
    one = start(waiting, "a")
    await asyncio.sleep(0.05)

    over.set()

    assert await asyncio.wait_for(one, 1) is False
    assert waiting.names == frozenset()
    await waiting.close()
