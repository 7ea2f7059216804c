"""Waiting for prompts to end: one task per process asks the store once a tick for all who wait. Knows no HTTP."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

log = logging.getLogger(__name__)

#: Ids of one query: SQLite takes 32,766 variables, and a thousand take a few milliseconds on either database.
MOST_IDS = 1000

#: Seconds between two looks while the store fails.
FAILING_S = 1.0

#: Looking takes at most a third of the time: with very many who wait, the pause grows with the look.
PAUSE_PER_LOOK = 2.0


class Waiting:
    """All waits of one event loop. Who waits holds a future: no thread and no database connection."""

    def __init__(
        self,
        ended: Callable[[Collection[str]], set[str]],
        poll_s: float,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """`ended` says which of some ids are terminal; it is called in a thread, every `poll_s` seconds at most.

        Nobody waits any longer once it `is_over`, since the process is to end.
        """
        self._ended = ended
        self._is_over = is_over
        self._poll_s = poll_s
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def names(self) -> frozenset[str]:
        """What is waited for just now."""
        return frozenset(self._waiters)

    async def until_all_ended(self, names: Sequence[str], timeout_s: float, gone: Coroutine[Any, Any, None]) -> bool:
        """Whether all these prompts have ended; False when the time is up, when `gone` returns, or when it is over."""
        leaving = asyncio.ensure_future(gone)
        with ExitStack() as until_left:
            until_left.callback(leaving.cancel)
            ended = asyncio.ensure_future(_all([until_left.enter_context(self._listening(name)) for name in names]))
            until_left.callback(ended.cancel)
            self._start()
            await asyncio.wait((ended, leaving), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            return ended.done() and not ended.cancelled()

    async def close(self) -> None:
        """Stop looking; who still waits then does so until its time is up."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @contextmanager
    def _listening(self, name: str) -> Iterator[asyncio.Future[None]]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(name, set()).add(future)
        try:
            yield future
        finally:
            left = self._waiters.get(name, set())
            left.discard(future)
            if not left:
                self._waiters.pop(name, None)

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        """Look until nobody waits. The outermost loop of its task: whatever the store does, the next look comes."""
        pause_s, failing = self._poll_s, False
        while self._waiters:
            await asyncio.sleep(pause_s)
            if self._is_over():
                self._send_away()
            started = time.monotonic()
            try:
                await self._look()
            except Exception:
                if not failing:  # once, not at every tick
                    log.exception("can't ask which prompts have ended; asking on every %g s", FAILING_S)
                pause_s, failing = FAILING_S, True
            else:
                pause_s, failing = max(self._poll_s, PAUSE_PER_LOOK * (time.monotonic() - started)), False

    async def _look(self) -> None:
        names = list(self._waiters)
        for start in range(0, len(names), MOST_IDS):
            for name in await asyncio.to_thread(self._ended, names[start : start + MOST_IDS]):
                self._wake(name)

    def _send_away(self) -> None:
        for futures in self._waiters.values():
            for future in futures:
                future.cancel()

    def _wake(self, name: str) -> None:
        for future in self._waiters.pop(name, ()):
            if not future.done():
                future.set_result(None)


async def _all(futures: Sequence[asyncio.Future[None]]) -> None:
    for future in futures:
        await future
