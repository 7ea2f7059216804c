"""One run of a child process: a session and process group of its own, a log, and an end that leaves nothing behind.

Knows nothing of readiness, restarts and order: `api/supervisor.py` does.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.errors import ConfigError

#: Says whether the child with this process id can do its work. Must answer within a second or two, and not raise.
Probe = Callable[[int], bool]

#: From Linux's <sys/prctl.h>.
PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36

#: Most of a log's end that is looked at for its last lines.
TAIL_BYTES: Final = 64 * 1024

#: Seconds for killed processes to be gone. Only one that hangs in the kernel takes longer.
REAP_S: Final = 5.0


@dataclass(frozen=True)
class Child:
    """A program to keep running."""

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # added to ours; may hold secrets, so never shown
    ready: Probe | None = None  # none: ready after a second alive
    stale_files: tuple[Path, ...] = ()  # left by an earlier run; removed before each start
    stop_signal: signal.Signals = signal.SIGTERM
    stop_order: int = 0  # small numbers stop first
    grace_s: float = 10.0  # from the stop signal to SIGKILL


class Process:
    """One run of a child. Its stop signal goes to the leader alone, SIGKILL to the whole group."""

    def __init__(self, child: Child) -> None:
        self._child = child
        try:
            self._popen = self._spawn()
        except OSError as error:
            raise ConfigError(f"{child.name}: {child.argv[0]} can't be started: {error}") from error
        self.pid = self._popen.pid

    def _spawn(self) -> subprocess.Popen[bytes]:
        child = self._child
        for path in child.stale_files:
            path.unlink(missing_ok=True)
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with child.log.open("ab") as log:
            self._log_start = log.tell()
            return subprocess.Popen(
                child.argv,
                env={**os.environ, **child.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Else Ctrl-C in a terminal reaches Celery and vLLM's EngineCore together.
                start_new_session=True,
                preexec_fn=_tie_to_parent(),  # noqa: PLW1509 - two system calls and no lock; see there
            )

    def has_ended(self) -> bool:
        """Whether the leader is dead. Not reaped before `end`, it keeps its group's number from being used again."""
        if self._popen.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def ask_to_stop(self) -> None:
        if not self.has_ended():  # not Popen.send_signal, which would reap it
            os.kill(self.pid, self._child.stop_signal)

    def end(self) -> int:
        """SIGKILL all that is left of the group, reap it, and return the leader's status (negative: a signal's)."""
        if self._popen.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()
            self._reap_adopted()
        return self._popen.returncode

    def _reap_adopted(self) -> None:
        """Wait for the rest of the group, which became our children when the leader died (`adopt_orphans`)."""
        deadline = time.monotonic() + REAP_S
        with contextlib.suppress(ChildProcessError):  # there are no more
            while time.monotonic() < deadline:
                if os.waitpid(-self.pid, os.WNOHANG) == (0, 0):
                    time.sleep(0.005)

    def last_lines(self, count: int) -> list[str]:
        """The end of what this run has written to its log."""
        with self._child.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - TAIL_BYTES))
            return log.read().decode(errors="replace").rstrip().split("\n")[-count:]


def _tie_to_parent() -> Callable[[], None] | None:
    """What a new child does first on Linux, so that it gets SIGTERM when we are gone, even by SIGKILL.

    The kernel sends it when the *thread* that spawned the child ends, so that must be the main one. Elsewhere than on
    Linux there is no such thing, and a killed supervisor leaves its children running. All that can be is done before
    the fork, since other threads may hold any lock in the moment of it.
    """
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the call, and no signal will come
            os._exit(1)

    return tie


def adopt_orphans(*, yes: bool) -> None:
    """On Linux, make us the parent of descendants whose own parent dies, so that they can be waited for and reaped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(yes))
