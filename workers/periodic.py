"""Do something every few seconds beside the work: renew leases, look for a new checkpoint, check the engine."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from core.errors import TorouterError

log = logging.getLogger(__name__)


class Periodic:
    """A thread for as long as the block lasts; an error is logged, and the next round tries again."""

    def __init__(self, name: str, every_s: float, action: Callable[[], object]) -> None:
        self._every_s = every_s
        self._action = action
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                self._action()
            except TorouterError as error:
                log.warning("%s: %s", self._thread.name, error)
            except Exception:
                log.exception("%s: an unexpected error", self._thread.name)
