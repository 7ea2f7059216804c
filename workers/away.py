"""A broker that is away: who calls it finds that out once in a while, and no other waits for it. Knows no message."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kombu.exceptions import OperationalError

from core.errors import NotReadyError

#: After the broker has refused, or not answered, it is left alone for so long: each try may take seconds of a request.
AWAY_S = 5.0


class Away:
    """While the broker is away, one thread in a while finds out whether it is back. Threads share it."""

    def __init__(self, *errors: type[Exception]) -> None:
        """By these errors it is known that it is away; kombu's without any."""
        self._errors = errors or (OperationalError,)
        self._lock = threading.Lock()
        self._again_at: float | None = None  # None: it is there

    @contextmanager
    def trying(self) -> Iterator[None]:
        """For one call; NotReadyError instead of a try that would likely be in vain."""
        with self._lock:
            if self._again_at is not None:
                if time.monotonic() < self._again_at:
                    raise NotReadyError("it was away a moment ago")
                self._again_at = time.monotonic() + AWAY_S
        try:
            yield
        except self._errors:
            with self._lock:
                self._again_at = time.monotonic() + AWAY_S
            raise
        with self._lock:
            self._again_at = None
