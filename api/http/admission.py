"""Refuse new work while there is no room for it, before anything of it is stored."""

import shutil
import threading
import time

from api.http.callers import Identity
from api.http.errors import LimitedError
from core.errors import OverloadedError
from core.settings import Settings
from core.store import Store

#: A look at disks and database holds for so long, whoever asks.
LOOK_S = 1.0

#: What a refused caller is told to wait: room comes as engines answer, or as an operator makes it.
RETRY_AFTER_S = 30


class Admission:
    """Threads share it."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._full: str | None = None
        #: Of owners with a limit: when their waiting prompts were counted, and how many there are since.
        self._waiting: dict[str, tuple[float, int]] = {}

    def check(self) -> None:
        """OverloadedError, with when to come back, while disk or queues are full."""
        with self._lock:
            if time.monotonic() - self._looked_at >= LOOK_S:
                self._full = self._look()
                self._looked_at = time.monotonic()
            full = self._full
        if full is not None:
            raise OverloadedError(full, retry_after_s=RETRY_AFTER_S)

    def admit(self, identity: Identity, count: int = 0) -> None:
        """The same, and LimitedError where so many prompts of the caller's wait that it may send no more of them.

        `count` is how many come now; of a file nobody knows.
        """
        self.check()
        most = identity.open_prompts
        if most is None:
            return
        with self._lock:
            looked_at, waiting = self._waiting.get(identity.owner, (float("-inf"), 0))
            if time.monotonic() - looked_at >= LOOK_S:
                looked_at, waiting = time.monotonic(), self._store.batches.open_prompts(identity.owner)
            if waiting >= most:
                raise LimitedError(
                    f"{waiting:,} prompts of yours wait already, and {most:,} may: come back when some have ended",
                    retry_after_s=RETRY_AFTER_S,
                )
            self._waiting[identity.owner] = looked_at, waiting + count

    def _look(self) -> str | None:
        settings = self._settings
        settings.home.mkdir(parents=True, exist_ok=True)
        disks = shutil.disk_usage(settings.home).free, self._store.blobs.free_bytes()
        free = min(one for one in disks if one is not None)
        if free < settings.min_free_bytes:
            return (
                f"the disk has {free / 2**20:,.0f} MiB left, and TOROUTER_MIN_FREE_BYTES keeps "
                f"{settings.min_free_bytes / 2**20:,.0f} free: come back later, or make room"
            )
        waiting = self._store.batches.open_prompts()
        if waiting >= settings.max_open_prompts:
            return (
                f"{waiting:,} prompts wait already, and TOROUTER_MAX_OPEN_PROMPTS is {settings.max_open_prompts:,}: "
                "come back later"
            )
        return None
