"""Gather what several threads hand in within a few milliseconds into one call. Knows no step."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class _Share:
    ids: list[int]
    result: Future[None] = field(default_factory=Future)


class Gatherer:
    """One thread works on what is waiting: the urgent first, a message's ids never apart from each other."""

    def __init__(self, work: Callable[[list[int]], None], *, wait_s: float, most: int) -> None:
        self._work = work
        self._wait_s = wait_s
        self._most = most
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
            try:
                self._work([id_ for share in shares for id_ in share.ids])
            except Exception as error:  # noqa: BLE001  # handed to the threads that wait, which are the outermost loops
                for share in shares:
                    share.result.set_exception(error)
            else:
                for share in shares:
                    share.result.set_result(None)

    def _gather(self) -> list[_Share]:
        with self._changed:
            self._changed.wait_for(self._waiting)
            if self._waiting() < self._most:
                self._changed.wait_for(lambda: self._waiting() >= self._most, timeout=self._wait_s)
            taken = [self._next()]
            while self._waiting() and sum(len(share.ids) for share in taken) < self._most:
                taken.append(self._next())
            return taken

    def _waiting(self) -> int:
        return sum(len(share.ids) for queue in (self._urgent, self._patient) for share in queue)

    def _next(self) -> _Share:
        return (self._urgent or self._patient).popleft()
