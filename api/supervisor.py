"""Keep a set of child processes running: start, wait until ready, restart what dies, stop in order.

One thread, the main one: children are tied to the thread that starts them (`api/child.py`), and signals arrive there.
Whoever has other work to do in it calls `poll` now and then; who hasn't, calls `run_until`. Knows nothing of torouter.
"""

import contextlib
import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from types import TracebackType
from typing import Final, NamedTuple, Self

from api.child import Child, Process, adopt_orphans
from api.interruptions import Interruptions
from core.errors import NotReadyError

#: Seconds between two looks at the children.
POLL_S: Final = 0.1
#: The same while they are being stopped, when somebody waits for it.
STOP_POLL_S: Final = 0.02
#: A child without a probe is ready when it has lived for so long.
ALIVE_S: Final = 1.0
#: Lines of a child's log in an error.
LOG_LINES: Final = 20


class State(StrEnum):
    """Where a child is."""

    WAITING = "waiting"  # not running: to be started, at once or after the back-off
    STARTING = "starting"  # runs, and is not ready yet
    READY = "ready"
    STOPPED = "stopped"  # by us


class Event(NamedTuple):
    """A child's change of state, for whoever shows progress."""

    name: str
    state: State
    told: str  # a sentence about it, which starts with the name


Progress = Callable[[Event], None]


@dataclass(frozen=True)
class Patience:
    """How often, and how soon, what dies is started again."""

    first_s: float = 1.0  # back-off after the first death; doubles with each further one
    longest_s: float = 30.0
    reset_s: float = 60.0  # alive for so long, a child starts over with its back-off
    tries: int = 3  # starts of a child that was never ready; then the system is given up


class Supervisor:
    """`with Supervisor(…) as supervisor:` takes Ctrl-C and SIGTERM over, and stops all children at its end.

    Either signal leaves the body as KeyboardInterrupt or SystemExit, also from whatever else the body is waiting for.
    A second Ctrl-C, while children are being stopped, kills them.
    """

    def __init__(self, progress: Progress = lambda _: None, patience: Patience | None = None) -> None:
        self._progress = progress
        self._patience = patience or Patience()
        self._watched: list[_Watched] = []
        self._interruptions = Interruptions()

    def __enter__(self) -> Self:
        self._interruptions.install()
        adopt_orphans(yes=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interruptions.hold()
        try:
            self._stop()
        finally:
            adopt_orphans(yes=False)
            self._interruptions.restore()

    def add(self, children: Iterable[Child]) -> None:
        """Start `children` with the next `poll`, and look after them from then on."""
        self._watched += [_Watched(child, self._patience) for child in children]

    def start(self, children: Iterable[Child], timeout_s: float = 600.0) -> None:
        """Start `children` at once and return when they and all that were added before are ready.

        NotReadyError at the time-out, and where a child keeps dying before it was ever ready.
        """
        self.add(children)
        deadline = time.monotonic() + timeout_s
        self.run_until(lambda: all(each.is_ready for each in self._watched) or time.monotonic() > deadline)
        late = [each for each in self._watched if not each.is_ready]
        if late:
            names = ", ".join(each.child.name for each in late)
            raise NotReadyError(f"not ready after {timeout_s:.0f} s: {names}\n{late[0].log_end()}")

    def run_until(self, stop: Callable[[], bool]) -> None:
        """Look after the children until `stop()`, which is asked often (an Event's `is_set` will do)."""
        while True:
            self.poll()
            if stop():
                return
            time.sleep(POLL_S)

    def poll(self) -> None:
        """Look once at every child and do what is due. Quick, except for the probes of those that are starting.

        NotReadyError where a child keeps dying before it was ever ready. RuntimeError in any but the main thread.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("children live and die with the thread that starts them: poll in the main thread")
        with self._interruptions.held():
            for each in self._watched:
                self._tell(each.step())

    def _stop(self) -> None:
        """One stop order after another; whatever happens, nothing is left."""
        in_order = sorted(self._watched, key=attrgetter("child.stop_order"))
        try:
            for _, together in itertools.groupby(in_order, key=attrgetter("child.stop_order")):
                self._stop_together(list(together))
        finally:
            for each in self._watched:
                each.kill()

    def _stop_together(self, group: Sequence["_Watched"]) -> None:
        for each in group:
            each.ask_to_stop()
        while not all(each.state is State.STOPPED for each in group):
            for each in group:
                self._tell(each.step_to_stop(hurry=self._interruptions.hurry))
            time.sleep(STOP_POLL_S)

    def _tell(self, event: Event | None) -> None:
        if event is not None:
            with contextlib.suppress(OSError):  # a terminal that was closed must not keep us from stopping
                self._progress(event)


class _Watched:
    """A child through its runs."""

    def __init__(self, child: Child, patience: Patience) -> None:
        self.child = child
        self.state = State.WAITING
        self._patience = patience
        self._run: Process | None = None  # the latest, which may be over
        self._since = self._due = time.monotonic()  # of the last start; of what is to be done next
        self._starts = 0
        self._back_off_s = 0.0
        self._was_ready = False

    @property
    def is_ready(self) -> bool:
        return self.state is State.READY

    def step(self) -> Event | None:
        """Do the one thing that is due, if any."""
        if self.state is State.STOPPED:
            return None
        if self._run is None or self.state is State.WAITING:
            return self._start() if time.monotonic() >= self._due else None
        if self._run.has_ended():
            return self._bury(self._run.end())
        if self.state is State.STARTING and self._answers(self._run):
            self._was_ready = True
            return self._change(State.READY, f"ready after {self._alive_s():.1f} s")
        return None

    def ask_to_stop(self) -> None:
        self._due = time.monotonic() + self.child.grace_s  # of SIGKILL
        if self._run is not None:
            self._run.ask_to_stop()

    def step_to_stop(self, *, hurry: bool) -> Event | None:
        """Called after `ask_to_stop` until the state is STOPPED."""
        if self.state is State.STOPPED:
            return None
        if self._run is None or self._run.has_ended():
            self.kill()  # what is left of its group
            return self._change(State.STOPPED, "stopped")
        if hurry or time.monotonic() >= self._due:
            self.kill()
            why = "on request" if hurry else f"for going on {self.child.grace_s:g} s after it was asked to stop"
            return self._change(State.STOPPED, f"killed {why}")
        return None

    def kill(self) -> None:
        """Leave nothing of it running."""
        if self._run is not None:
            self._run.end()

    def log_end(self) -> str:
        """The last lines that its latest run has logged, and where there are more."""
        lines = self._run.last_lines(LOG_LINES) if self._run else []
        return "\n".join([f"the end of {self.child.log}:", *(f"  {line}" for line in lines)])

    def _start(self) -> Event:
        self._run = Process(self.child)
        self._since = time.monotonic()
        self._starts += 1
        return self._change(State.STARTING, f"starting (log: {self.child.log})")

    def _answers(self, run: Process) -> bool:
        return self._alive_s() >= ALIVE_S if self.child.ready is None else self.child.ready(run.pid)

    def _bury(self, status: int) -> Event:
        how = f"status {status}" if status >= 0 else f"signal {-status} ({signal.strsignal(-status)})"
        if not self._was_ready and self._starts >= self._patience.tries:
            times = f"{self._starts} times before it was ready, at last with {how}"
            raise NotReadyError(f"{self.child.name} ended {times}\n{self.log_end()}")
        self._back_off_s = self._next_back_off_s()
        self._due = time.monotonic() + self._back_off_s
        return self._change(State.WAITING, f"ended with {how}; starts again in {self._back_off_s:g} s")

    def _next_back_off_s(self) -> float:
        if self._back_off_s == 0 or self._alive_s() >= self._patience.reset_s:
            return self._patience.first_s
        return min(2 * self._back_off_s, self._patience.longest_s)

    def _alive_s(self) -> float:
        return time.monotonic() - self._since

    def _change(self, state: State, told: str) -> Event:
        self.state = state
        return Event(self.child.name, state, f"{self.child.name}: {told}")
