"""One background asyncio loop for one engine: two loops on one vLLM engine kill its output handler."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from experts.engine import Answer, Engine, Request

T = TypeVar("T")


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

    def submit(self, request: Request) -> "Future[Answer]":
        """Answer a request; cancelling the future aborts it in the engine."""
        return self._run(self._engine.answer(request))

    def check(self) -> None:
        """EngineDeadError when the engine is gone."""
        self._run(self._engine.check()).result()

    def stop(self) -> None:
        """Let go of the engine and end the loop."""
        self._run(self._engine.stop()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> "Future[T]":  # Any: a coroutine's other types
        return asyncio.run_coroutine_threadsafe(work, self._loop)
