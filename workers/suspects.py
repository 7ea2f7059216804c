"""Who may work on a row that was there when workers died: docs/decisions/0020. Knows no step and no table."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from core.schemas.work import Suspect

T = TypeVar("T")

#: Suspects that are tried together: after one more death, each by itself.
TOGETHER = 16


def suspect_from(max_attempts: int) -> int:
    """The deaths from which on a row is a suspect: its last two chances it has apart from others."""
    return max(1, max_attempts - 2)


def groups(suspects: Sequence[Suspect], max_attempts: int) -> list[list[int]]:
    """Ids to be worked on together and with nothing else: by themselves those that one more death makes guilty."""
    together = [one.id for one in suspects if one.deaths < max_attempts - 1]
    alone = [[one.id] for one in suspects if one.deaths >= max_attempts - 1]
    return [*(together[start : start + TOGETHER] for start in range(0, len(together), TOGETHER)), *alone]


def in_turn(
    claim: Callable[..., list[T]],
    suspects: Callable[[list[int], int], list[Suspect]],
    ids: list[int],
    max_attempts: int,
) -> Iterator[list[T]]:
    """What is claimed of these rows: together whatever is no suspect, and then a group of `suspects` after the other.

    Each is claimed only when the one before has been worked on, so that no other's death is its own.
    """
    suspect = suspect_from(max_attempts)
    items = claim(ids, deaths_below=suspect)
    yield items
    if len(items) < len(ids):
        for group in groups(suspects(ids, suspect), max_attempts):
            yield claim(group)


class Turns:
    """One engine for many threads: most share it, and suspects have it to themselves. First come, first served."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._sharing = 0
        self._is_taken = False

    @contextmanager
    def take(self, *, alone: bool) -> Iterator[None]:
        """Hold the engine, with others or `alone`."""
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            self._changed.wait_for(lambda: self._waiting[0] is turn and self._is_free(alone=alone))
            self._waiting.popleft()
            self._sharing += not alone
            self._is_taken = alone
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= not alone
                self._is_taken = False
                self._changed.notify_all()

    def _is_free(self, *, alone: bool) -> bool:
        return not self._is_taken and not (alone and self._sharing)
