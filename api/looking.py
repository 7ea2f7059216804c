"""Looking at batches for those who watch them: one look a tick for each batch, however many watch. Knows no HTTP."""

import asyncio
import logging
from collections.abc import Callable

from core.errors import StoreError
from core.schemas.views import BatchView

log = logging.getLogger(__name__)

#: Looks that are made at once: the other threads and connections are for requests.
AT_ONCE = 2


class Looks:
    """All looks of one event loop. Who watches asks as often as it likes, and holds no thread in between."""

    def __init__(self, look: Callable[[str, str], BatchView], every_s: float) -> None:
        """`look` takes a batch and its owner; it is called in a thread, every `every_s` seconds at most for each."""
        self.every_s = every_s
        self._look = look
        self._turn = asyncio.Semaphore(AT_ONCE)
        #: By batch and owner, those under way or made less than `every_s` seconds ago.
        self._made: dict[tuple[str, str], asyncio.Task[BatchView]] = {}
        self._failing = False

    async def of(self, name: str, owner: str) -> BatchView:
        """The batch as it was in the last look; NotFoundError and StoreError are the look's."""
        key = (name, owner)
        if key not in self._made:
            self._made[key] = asyncio.create_task(self._make(name, owner))
            self._made[key].add_done_callback(lambda made: self._keep(key, made))
        return await asyncio.shield(self._made[key])  # whoever leaves doesn't take it from the others

    async def _make(self, name: str, owner: str) -> BatchView:
        try:
            async with self._turn:
                view = await asyncio.to_thread(self._look, name, owner)
        except StoreError as error:
            if not self._failing:  # once, not at every look
                log.error("can't look at batches that are watched, and goes on trying: %s", error)  # noqa: TRY400  # no trace
            self._failing = True
            raise
        self._failing = False
        return view

    def _keep(self, key: tuple[str, str], made: asyncio.Task[BatchView]) -> None:
        if not made.cancelled():
            made.exception()  # nobody may be left to take it
        made.get_loop().call_later(self.every_s, self._made.pop, key)
