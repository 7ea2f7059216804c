"""Ctrl-C, SIGTERM and SIGHUP as exceptions of the main thread, held back while children are being handled."""

import contextlib
import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

#: The last comes when a terminal is closed.
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Two Ctrl-C closer than this are one: `timeout`, `make` and shells pass on what the terminal sends as well.
ONE_KEY_PRESS_S: Final = 0.5


class Interruptions:
    """The first signal raises KeyboardInterrupt (Ctrl-C) or SystemExit; a later Ctrl-C only sets `hurry`."""

    def __init__(self) -> None:
        self.hurry = False
        self._held = False
        self._first: tuple[signal.Signals, float] | None = None  # and when
        self._before: dict[signal.Signals, Any] = {}  # Any: whatever handlers were there

    def install(self) -> None:
        """Take the signals over; only the main thread can (ValueError). Those that are ignored (nohup) stay so."""
        for number in SIGNALS:
            if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)

    def restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def hold(self) -> None:
        """Raise no more: what follows must not be torn apart."""
        self._held = True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let the body finish; a signal that came meanwhile, or earlier and was swallowed, is raised after it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self._raise_first()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = (signal.Signals(number), now)
            if not self._held:
                self._raise_first()
        elif number == signal.SIGINT and now - self._first[1] > ONE_KEY_PRESS_S:
            self.hurry = True

    def _raise_first(self) -> None:
        if self._first is None:
            return
        number, _ = self._first
        if number is signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)  # as a shell reports it
