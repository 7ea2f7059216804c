"""Looking at batches that are watched: one look a tick for each, however many watch."""

import asyncio
import logging
import threading
import time

import pytest

from api.looking import AT_ONCE, Looks
from core.errors import NotFoundError, StoreError
from core.schemas.views import BatchView
from tests.factories import OWNER


class Asked:
    """Plays the store: how often it was asked for what, and by how many threads at once."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.names: list[tuple[str, str]] = []
        self.error: Exception | None = None
        self.most = 0
        self._takes_s = takes_s
        self._now = 0
        self._lock = threading.Lock()

    def get(self, name: str, owner: str) -> BatchView:
        with self._lock:
            self.names.append((name, owner))
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self._takes_s)
        with self._lock:
            self._now -= 1
        if self.error:
            raise self.error
        return (name, owner)  # type: ignore[return-value]  # nobody looks into it


async def watch(looks: Looks, name: str, for_s: float, every_s: float = 0.01) -> None:
    async with asyncio.timeout(for_s + 30):
        until = time.monotonic() + for_s
        while time.monotonic() < until:
            assert await looks.of(name, OWNER) == (name, OWNER)
            await asyncio.sleep(every_s)


async def test_many_who_watch_a_batch_cost_one_look_a_tick():
    store = Asked()
    looks = Looks(store.get, every_s=0.2)

    await asyncio.gather(*(watch(looks, "a", for_s=1) for _ in range(100)))

    assert 2 <= len(store.names) <= 6


async def test_each_batch_and_owner_is_looked_at():
    store = Asked()
    looks = Looks(store.get, every_s=60)

    found = [await looks.of(name, owner) for name, owner in (("a", "x"), ("b", "x"), ("a", "y"), ("a", "x"))]

    assert found == [("a", "x"), ("b", "x"), ("a", "y"), ("a", "x")]
    assert store.names == [("a", "x"), ("b", "x"), ("a", "y")]


async def test_few_looks_are_made_at_once():
    store = Asked(takes_s=0.01)
    looks = Looks(store.get, every_s=0.05)

    await asyncio.gather(*(looks.of(str(number), OWNER) for number in range(20)))

    assert store.most == AT_ONCE


async def test_who_leaves_does_not_take_the_look_from_the_others():
    looks = Looks(Asked(takes_s=0.1).get, every_s=0.05)
    first, second = (asyncio.create_task(looks.of("a", OWNER)) for _ in range(2))
    await asyncio.sleep(0.02)

    first.cancel()

    assert await second == ("a", OWNER)


async def test_an_error_is_everybodys_and_the_next_look_may_succeed():
    store = Asked()
    store.error = NotFoundError("no")
    looks = Looks(store.get, every_s=0.02)

    found = await asyncio.gather(*(looks.of("a", OWNER) for _ in range(3)), return_exceptions=True)

    assert found == [store.error] * 3
    store.error = None
    await asyncio.sleep(0.1)
    assert await looks.of("a", OWNER) == ("a", OWNER)


async def test_a_store_that_fails_is_logged_once(caplog: pytest.LogCaptureFixture):
    store = Asked()
    store.error = StoreError("gone")
    looks = Looks(store.get, every_s=0.01)

    for _ in range(5):
        with pytest.raises(StoreError):
            await looks.of("a", OWNER)
        await asyncio.sleep(0.03)

    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_nothing_is_kept_of_batches_that_nobody_watches():
    looks = Looks(Asked().get, every_s=0.01)
    await asyncio.gather(*(looks.of(str(number), OWNER) for number in range(50)))

    await asyncio.sleep(0.1)

    assert not looks._made
