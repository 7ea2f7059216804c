"""What this process holds: its leases are renewed while it works on them, and results outlive a database's restart."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from core import metrics
from core.errors import StoreError, StoreRefusedError
from core.schemas.work import Claim
from core.store.failpoints import Point, failpoint

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Pause between two tries to store a result.
RETRY_S = 0.5


class Leased(Protocol):
    """The part of the store whose rows a worker leases."""

    def renew(self, ids: list[int], owner: str, lease_s: float) -> set[int]: ...


class Leases:
    """A worker's name as an owner, and the rows it works on; whatever it doesn't is left to expire."""

    def __init__(self, table: Leased, lease_s: float, step: str = "other") -> None:
        """`step` is whose leases these are, for the metrics."""
        #: Unique for every start, so that a new process never passes for the one that died.
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.lease_s = lease_s
        self._table = table
        self._step = step
        self._held: set[Claim] = set()
        self._lost: set[Claim] = set()
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, claims: Iterable[Claim]) -> Iterator[None]:
        """Renew these claims until the block ends."""
        mine = set(claims)
        with self._lock:
            self._held |= mine
        try:
            yield
        finally:
            with self._lock:
                self._held -= mine

    def settle(self, write: Callable[[], T], claims: Iterable[Claim]) -> T:
        """Store what has become of these, although the database may be away for a while, and let go of them.

        StoreError after as long as a lease lasts, and StoreRefusedError at once.
        """
        stored = insist(write, self.lease_s)
        with self._lock:
            self._held.difference_update(claims)
        return stored

    def held(self) -> list[Claim]:
        """All that is worked on just now."""
        with self._lock:
            return list(self._held)

    def lost(self) -> list[Claim]:
        """What of it the last renewal found to be no longer ours: stopped, or taken back. Its work is in vain."""
        with self._lock:
            return list(self._held & self._lost)

    def renew(self) -> None:
        """Prolong all that is worked on; a StoreError is for the caller, and the next call makes up for it."""
        claims = self.held()
        if claims:
            renewed = self._table.renew(sorted(claim.id for claim in claims), self.owner, self.lease_s)
            failpoint(Point.LEASES_RENEWED)
            with self._lock:
                # Not what was stored meanwhile.
                before, self._lost = self._lost, {one for one in claims if one.id not in renewed} & self._held
                metrics.LEASES_LOST.labels(self._step).inc(len(self._lost - before))
            metrics.LEASES_RENEWED.labels(self._step).inc(len(renewed))


def insist(write: Callable[[], T], for_s: float) -> T:
    """Store something worth keeping although the database is away for a while.

    StoreError after `for_s` seconds, and StoreRefusedError at once.
    """
    deadline = time.monotonic() + for_s
    while True:
        try:
            return write()
        except StoreRefusedError:
            raise
        except StoreError as error:
            if time.monotonic() >= deadline:
                raise
            log.warning("storing again in %.1f s: %s", RETRY_S, error)
            time.sleep(RETRY_S)
