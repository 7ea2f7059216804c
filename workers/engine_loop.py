"""One background asyncio loop for one engine: two loops on one vLLM engine kill its output handler."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from core.errors import EngineDeadError
from experts.engine import Answer, Engine, Request

T = TypeVar("T")

#: Seconds for an engine to end; vLLM's gets 20 by itself (experts/vllm_engine.py).
STOP_S = 40.0


class EngineLoop:
    """Threads hand requests in and get futures; the engine lives on this loop alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine-loop", daemon=True)

    def start(self) -> None:
        """Load the engine; raises what it raises."""
        self._thread.start()
        self._run(self._engine.start()).result()

    def submit(self, requests: Sequence[Request]) -> list["Future[Answer]"]:
        """Answer requests; cancelling a future aborts its request in the engine.

        The loop is woken once for all of them: once for each took a quarter of its time.
        """
        futures: list[Future[Answer]] = [Future() for _ in requests]
        self._loop.call_soon_threadsafe(self._begin, requests, futures)
        return futures

    def _begin(self, requests: Sequence[Request], futures: Sequence["Future[Answer]"]) -> None:
        """On the loop: a task for each request, bound to its future both ways."""
        for request, future in zip(requests, futures, strict=True):
            if future.cancelled():
                future.set_running_or_notify_cancel()  # else who waits for it never hears of it
            else:
                _bind(self._loop.create_task(self._engine.answer(request)), future, self._loop)

    def check(self, within_s: float) -> None:
        """EngineDeadError when the engine is gone, or it or its loop says nothing for so long."""
        self._within(self._engine.check(), within_s, "is silent")

    def stop(self, within_s: float = STOP_S) -> None:
        """Let go of the engine and end the loop; EngineDeadError where that takes longer."""
        self._within(self._engine.stop(), within_s, "does not stop")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _within(self, work: Coroutine[Any, Any, None], within_s: float, otherwise: str) -> None:  # Any: as below
        running = self._run(work)
        if running not in wait([running], within_s).done:
            running.cancel()
            raise EngineDeadError(f"the engine {otherwise} for {within_s:g} s: end this process")
        running.result()

    def _run(self, work: Coroutine[Any, Any, T]) -> "Future[T]":  # Any: a coroutine's other types
        return asyncio.run_coroutine_threadsafe(work, self._loop)


def _bind(task: "asyncio.Task[Answer]", future: "Future[Answer]", loop: asyncio.AbstractEventLoop) -> None:
    """The task's end becomes the future's, and the future's cancelling the task's."""

    def ended(task: "asyncio.Task[Answer]") -> None:
        if task.cancelled():
            future.cancel()
        if not future.set_running_or_notify_cancel():
            return
        error = task.exception()
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(task.result())

    def cancelled(future: "Future[Answer]") -> None:
        if future.cancelled():
            loop.call_soon_threadsafe(task.cancel)

    task.add_done_callback(ended)
    future.add_done_callback(cancelled)
