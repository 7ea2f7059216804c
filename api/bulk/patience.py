"""Ask again where that may help: servers restart, networks drop, queues are full."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from api.client import BusyError

#: Seconds before the second attempt; each further pause is twice as long, up to the longest.
FIRST_S: Final = 0.5
LONGEST_S: Final = 10.0

#: Seconds after which a server that can't be reached is given up, and one that names the time to come back.
UNREACHABLE_S: Final = 120.0
BUSY_S: Final = 3600.0

T = TypeVar("T")


class Patience:
    """Says on each failure when it asks again, by `tell`."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def __call__(self, ask: Callable[[], T]) -> T:
        """The answer; BusyError once patience has ended, and any other error at once."""
        began, pause = time.monotonic(), FIRST_S
        while True:
            try:
                return ask()
            except BusyError as error:
                wait = pause if error.retry_after_s is None else error.retry_after_s
                limit = UNREACHABLE_S if error.retry_after_s is None else BUSY_S
                if time.monotonic() + wait > began + limit:
                    raise
                self._tell(f"{error}; again in {wait:g} s")
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_S)
