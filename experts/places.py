"""Places in an engine: bulk work has its own, so that interactive work always finds one free."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from core.errors import GenerationError
from experts.engine import Request


class Places:
    """Bounds the prompts in an engine at once, each class for itself; None bounds a class not at all."""

    def __init__(self, *, bulk: int, interactive: int | None) -> None:
        self._bulk = asyncio.Semaphore(bulk)
        self._interactive = nullcontext() if interactive is None else asyncio.Semaphore(interactive)

    @asynccontextmanager
    async def take(self, request: Request) -> AsyncIterator[float]:
        """Hold a place; gives the seconds spent waiting for it. GenerationError when the request's time there is up."""
        asked = time.monotonic()
        async with self._interactive if request.interactive else self._bulk:
            queue_s = time.monotonic() - asked
            try:
                async with asyncio.timeout(request.timeout_s):
                    yield queue_s
            except TimeoutError as error:
                raise GenerationError(f"{request.expert} gave no answer within {request.timeout_s} s") from error
