"""A real system in processes of its own, which tests start, kill and start again: nothing restarts by itself."""

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api import system, valkey
from core.schemas.experts import ExpertSpec
from core.schemas.work import NewPrompt
from core.settings import Settings
from core.store import Store
from router import checkpoints
from router.baselines import RandomRouter
from router.config import TrainConfig
from router.manifest import Manifest
from tests.factories import OWNER, submission
from workers import app as celery_app
from workers.processes import ready_file
from workers.promotion import Gate, promote
from workers.sending import Sender

#: Longest waits; a loaded machine is slow, and a test that passes never waits so long.
READY_S, END_S = 120.0, 120.0

#: The command as people start it. Status 130 after Ctrl-C is the script's: `python -m` ends by the signal instead where
#: the interruption met code that a library runs by `exec` (CPython remembers it, though it was handled).
TOROUTER = str(Path(sys.executable).with_name("torouter"))


class System:
    """Processes by name. `stop_all` leaves nothing behind."""

    def __init__(self, settings: Settings, experts: list[ExpertSpec], *, prepared: bool = True) -> None:
        self.settings = settings
        self.store = Store.of(settings)
        if prepared:
            self.store.schema.upgrade()
            self.store.experts.sync(experts)
        self.sender = Sender(celery_app.create(settings), self.store.recovery, settings)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start_broker(self) -> None:
        child = valkey.child(self.settings)
        self._spawn("valkey", list(child.argv))
        until(lambda: valkey.answers(self.settings.socket), "the broker answers")

    def start(self, *commands: str, ready: bool = True) -> None:
        """Start workers by their commands (`routing`, `expert a`) and wait until they consume."""
        names = [command.replace(" ", "-") for command in commands]
        for name, command in zip(names, commands, strict=True):
            ready_file(self.settings, name).unlink(missing_ok=True)
            self._spawn(name, [sys.executable, "-P", "-m", "api.cli", "work", *command.split()])
        for name in names if ready else ():
            until(lambda name=name: ready_file(self.settings, name).exists(), f"{name} is ready", READY_S)

    def start_process(self, name: str, *arguments: str) -> None:
        self._spawn(name, [sys.executable, "-P", "-m", "api.cli", *arguments])

    def log(self, name: str) -> str:
        """What it has said so far."""
        return (self.settings.home / "logs" / f"{name}.log").read_text()

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def is_running(self, name: str) -> bool:
        return self._processes[name].poll() is None

    def names(self) -> list[str]:
        """Of the processes that were started and not stopped."""
        return list(self._processes)

    def kill(self, name: str) -> None:
        """As by the kernel: nothing is tidied up. Its group goes with it, as it would with its container."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, name: str) -> int:
        """Ask it to end, as a supervisor does; its status."""
        self._processes[name].terminate()
        return self.wait(name)

    def wait(self, name: str) -> int:
        return self._processes.pop(name).wait(END_S)

    def stop_all(self) -> None:
        for name in list(self._processes):
            with contextlib.suppress(ProcessLookupError):
                self.kill(name)
        self.store.close()

    def submit(self, *prompts: NewPrompt, **changes: object) -> str:
        """Store and send, as the API does; the batch's id."""
        submitted = self.store.prompts.submit(submission(*prompts, **changes))
        self.sender.submitted(submitted)
        return submitted.batch_id

    def ended(self, batch: str) -> None:
        """Wait until the batch has ended."""
        until(lambda: self.store.batches.get(batch, OWNER).ended, f"{batch} ends", END_S)

    def promote_random(self, folder: Path, *experts: str, seed: int = 0) -> None:
        """Promote a router that needs no training."""
        router = RandomRouter(tuple(experts), seed)
        manifest = Manifest(kind=router.kind, experts=router.experts, config=TrainConfig(router="random", seed=seed))
        checkpoints.save(router, folder, manifest)
        promote(self.store, folder, Gate((), self.settings.cache, "a test", force=True))

    def _spawn(self, name: str, argv: list[str]) -> None:
        log = self.settings.home / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._processes[name] = subprocess.Popen(
                argv,
                env=system.process_environment(self.settings),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def as_user(name: str | None) -> dict[str, Any]:  # Any: options of Popen
    """Of a program that is to run as somebody else, in that user's own group; of None as we do.

    Root's group may not look into every folder that others may look into.
    """
    if name is None:
        return {}
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def until(condition: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Wait for something to become true; AssertionError says what did not."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(0.05)
