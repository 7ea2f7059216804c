"""The processes of a run, started again a while after each death, as a supervisor would; some armed to die."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from api import system
from core.settings import FAILPOINT, Settings
from core.store.failpoints import Point
from workers.processes import ready_file

WORKER = (Point.MESSAGE_TAKEN, Point.MESSAGE_DONE, Point.LEASES_RENEWED)

#: Where each kind of process can die; the first word of a process's name is its kind.
POINTS: dict[str, tuple[Point, ...]] = {
    "api": (
        *(Point.FILE_STORED, Point.FILE_ADDED, Point.BATCH_CREATED, Point.BATCH_CANCELLED),
        *(Point.PROMPTS_STORED, Point.PROMPTS_SENT, Point.MESSAGES_PARTLY_SENT),
    ),
    "routing": (
        *WORKER,
        *(Point.ROUTING_CLAIMED, Point.ROUTING_CHOSEN, Point.ROUTING_STORED, Point.ROUTER_FETCHED),
        Point.MESSAGES_PARTLY_SENT,
    ),
    "expert": (
        *WORKER,
        *(Point.GENERATING_CLAIMED, Point.GENERATING_ASKED, Point.GENERATING_ANSWERED, Point.GENERATING_STORED),
        Point.GENERATING_GIVEN_BACK,
    ),
    "scoring": (*WORKER, Point.SCORING_CLAIMED, Point.SCORING_COMPUTED, Point.SCORING_STORED),
    "batches": (
        *(Point.BATCH_CLAIMED, Point.BATCH_STEPPED, Point.VALIDATING_READ, Point.VALIDATING_STARTED),
        *(Point.LINES_STORED, Point.STOPPING_PROMPTS, Point.STOPPING_GENERATIONS, Point.STOPPING_ENDED),
        *(Point.OUTPUT_PARTLY_WRITTEN, Point.OUTPUT_WRITTEN, Point.OUTPUT_FINISHED),
        *(Point.WEBHOOK_CLAIMED, Point.WEBHOOK_CALLED),
    ),
    "recovery": (Point.RECOVERY_RECLAIMED, Point.RECOVERY_FORGOT, Point.RECOVERY_TAKEN),
    "promote": (Point.CHECKPOINT_PUT, Point.CHECKPOINT_ADDED, Point.CHECKPOINT_PROMOTED),
}

#: Processes that are armed at once: a start takes seconds of a core, and a system that does nothing else works little.
ARMED = 3

#: Seconds from a death to the next start.
RESTART_S = (0.1, 1.0)

#: Seconds for a process to end that was asked to.
END_S = 30.0


@dataclass
class Running:
    popen: "subprocess.Popen[bytes]"
    armed: Point | None = None
    #: We have sent it a signal, so its end is no surprise.
    expected: bool = False


@dataclass
class Seen:
    """What became of processes."""

    starts: int = 0
    #: Points at which a process died.
    hit: Counter[Point] = field(default_factory=Counter)
    #: Ends that nobody asked for: name and status.
    unasked: Counter[str] = field(default_factory=Counter)


class Processes:
    """By name. A lock guards the table of them; whoever takes one out of it cares for its end."""

    def __init__(self, settings: Settings, logs: Path, seed: int, hit: Counter[Point]) -> None:
        self.seen = Seen(hit=hit)
        self._settings = settings
        self._logs = logs
        self._random = random.Random(f"{seed} processes")
        self._commands: dict[str, tuple[str, ...]] = {}
        self._running: dict[str, Running] = {}
        self._due: dict[str, float] = {}
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        #: Those that died of a failpoint just now: they may work once before they get another.
        self._spared: set[str] = set()
        #: Whether new processes are armed.
        self.arming = False
        #: Whether what a dead process leaves behind is left alone, as where nobody cares for its group.
        self.leaving_orphans = False

    def start(self, commands: dict[str, tuple[str, ...]]) -> None:
        """Start all, and keep them running."""
        self._commands = commands
        for name in commands:
            self._start(name)
        self._supervisor.start()

    def ready(self, name: str) -> bool:
        return ready_file(self._settings, name).exists()

    def pid(self, name: str) -> int:
        with self._lock:
            return self._running[name].popen.pid

    def names(self) -> list[str]:
        """Of those that run just now."""
        with self._lock:
            return [name for name, one in self._running.items() if one.popen.poll() is None]

    def unarmed(self) -> list[str]:
        """Of those that run and would die of nothing; none while enough are armed."""
        with self._lock:
            return [] if self._enough() else [name for name in self.names() if self._running[name].armed is None]

    def _enough(self) -> bool:
        return sum(one.armed is not None for one in self._running.values()) >= ARMED

    def kill(self, name: str) -> int:
        """SIGKILL the whole group; its process id."""
        with self._lock:
            one = self._running[name]
            one.expected = True
            _kill(one.popen)
            return one.popen.pid

    def kill_alone(self, name: str) -> int:
        """The same, of the process without its group."""
        with self._lock:
            one = self._running[name]
            one.expected = True
            one.popen.kill()
            return one.popen.pid

    def terminate(self, name: str) -> int | None:
        """Ask it to end; its status, None where it did not end and had to be killed."""
        with self._lock:
            one = self._running[name]
            one.expected = True
            one.popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return one.popen.wait(END_S)
        _kill(one.popen)
        return None

    def freeze(self, name: str) -> "subprocess.Popen[bytes]":
        """Stop it in its tracks, and start another in its place, as who can't tell it from a dead one would."""
        with self._lock:
            frozen = self._running.pop(name).popen
            os.killpg(frozen.pid, signal.SIGSTOP)
            self._due[name] = time.monotonic()
            return frozen

    def thaw(self, frozen: "subprocess.Popen[bytes]", for_s: float) -> int | None:
        """Let it go on for a while, and ask it to end; its status, None where it had to be killed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(frozen.pid, signal.SIGCONT)
        time.sleep(for_s)
        frozen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return frozen.wait(END_S)
        _kill(frozen)
        return None

    def run(self, name: str, *arguments: str, point: Point | None = None) -> int:
        """A command to its end; its status."""
        popen = self._spawn(name, arguments, point)
        status = popen.wait(120)
        if point is not None and status == -signal.SIGKILL:
            self.seen.hit[point] += 1
        return status

    def stop(self) -> None:
        """End all, however."""
        self._ending.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        with self._lock:
            for one in self._running.values():
                _kill(one.popen)

    def _supervise(self) -> None:
        while not self._ending.wait(0.05):
            with self._lock:
                self._look()
                for name in [name for name, at in self._due.items() if at <= time.monotonic()]:
                    del self._due[name]
                    self._start(name)

    def _look(self) -> None:
        for name, one in list(self._running.items()):
            status = one.popen.poll()
            if status is None:
                continue
            del self._running[name]
            if not self.leaving_orphans:
                _kill(one.popen)  # what is left of its group
            if not one.expected and one.armed is not None and status == -signal.SIGKILL:
                self.seen.hit[one.armed] += 1
                self._spared.add(name)
            elif not one.expected:
                self.seen.unasked[f"{name} ({status})"] += 1
            self._due[name] = time.monotonic() + self._random.uniform(*RESTART_S)

    def _start(self, name: str) -> None:
        with self._lock:
            ready_file(self._settings, name).unlink(missing_ok=True)
            spared, self._spared = name in self._spared, self._spared - {name}
            point = self._next_point(name) if self.arming and not spared and not self._enough() else None
            self._running[name] = Running(self._spawn(name, self._commands[name], point), point)
            self.seen.starts += 1

    def _next_point(self, name: str) -> Point | None:
        """What has been hit least, and no other process is armed with."""
        points = list(POINTS.get(name.split("-", maxsplit=1)[0], ()))
        armed = {one.armed for one in self._running.values()}
        if not points:
            return None
        self._random.shuffle(points)
        return min(points, key=lambda point: (point in armed, self.seen.hit[point]))

    def _spawn(self, name: str, arguments: tuple[str, ...], point: Point | None) -> "subprocess.Popen[bytes]":
        armed = {} if point is None else {FAILPOINT: f"{point}:{self._random.choice((1, 1, 2, 5))}"}
        with (self._logs / f"{name}.log").open("ab") as output:
            output.write(f"--- {time.strftime('%H:%M:%S')} {' '.join(arguments)} {armed or ''}\n".encode())
            output.flush()
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "api.cli", *arguments],
                env=system.process_environment(self._settings) | armed,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _kill(popen: "subprocess.Popen[bytes]") -> None:
    """It and whatever it has started, as with its container."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()
