"""Places in an engine: bulk work has its own, so that interactive work always finds one free."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext


class Places:
    """Bounds the prompts in an engine at once, each class for itself; None bounds a class not at all."""

    def __init__(self, *, bulk: int, interactive: int | None) -> None:
        self._bulk = asyncio.Semaphore(bulk)
        self._interactive = nullcontext() if interactive is None else asyncio.Semaphore(interactive)

    @asynccontextmanager
    async def take(self, *, interactive: bool) -> AsyncIterator[float]:
        """Hold a place; gives the seconds spent waiting for it."""
        asked = time.monotonic()
        async with self._interactive if interactive else self._bulk:
            yield time.monotonic() - asked
