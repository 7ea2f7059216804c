"""Gather what several threads hand in within a few milliseconds into one call. Knows no step."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class _Share:
    ids: list[int]
    result: Future[None] = field(default_factory=Future)


#: Seconds that one call should take at most, so that what is urgent has not long to wait for the next one.
CALL_S = 0.25

#: Ids of a call before any pace is known.
FIRST = 64


class Gatherer:
    """One thread works on what is waiting: the urgent first, a message's ids never apart from each other.

    As many as take `CALL_S` by the pace so far, and never more than `most`, but at least one message's.
    """

    def __init__(self, work: Callable[[list[int]], None], *, wait_s: float, most: int) -> None:
        self._work = work
        self._wait_s = wait_s
        self._most = most
        self._per_s = FIRST / CALL_S
        self._urgent: deque[_Share] = deque()
        self._patient: deque[_Share] = deque()
        self._changed = threading.Condition()
        threading.Thread(target=self._loop, name="gatherer", daemon=True).start()

    def run(self, ids: list[int], *, urgent: bool) -> None:
        """Block until these ids have been worked on; raises what the work raised."""
        share = _Share(ids)
        with self._changed:
            (self._urgent if urgent else self._patient).append(share)
            self._changed.notify()
        share.result.result()

    def _loop(self) -> None:
        while True:
            shares = self._gather()
            ids = [id_ for share in shares for id_ in share.ids]
            started = time.monotonic()
            try:
                self._work(ids)
            except Exception as error:  # noqa: BLE001  # handed to the threads that wait, which are the outermost loops
                for share in shares:
                    share.result.set_exception(error)
            else:
                self._learn(len(ids), time.monotonic() - started)
                for share in shares:
                    share.result.set_result(None)

    def _gather(self) -> list[_Share]:
        with self._changed:
            self._changed.wait_for(self._waiting)
            most = min(self._most, int(self._per_s * CALL_S))
            if self._waiting() < most:
                self._changed.wait_for(lambda: self._waiting() >= most, timeout=self._wait_s)
            taken = [self._next()]
            count = len(taken[0].ids)
            while self._waiting() and count + len(self._first().ids) <= most:
                taken.append(self._next())
                count += len(taken[-1].ids)
            return taken

    def _learn(self, count: int, seconds: float) -> None:
        """The pace of the last long call; a short one, which is mostly what any call costs, can only raise it."""
        pace = count / max(seconds, 1e-6)
        self._per_s = pace if seconds >= CALL_S / 2 else min(max(pace, self._per_s), 2 * self._per_s)

    def _waiting(self) -> int:
        return sum(len(share.ids) for queue in (self._urgent, self._patient) for share in queue)

    def _first(self) -> _Share:
        return (self._urgent or self._patient)[0]

    def _next(self) -> _Share:
        return (self._urgent or self._patient).popleft()
