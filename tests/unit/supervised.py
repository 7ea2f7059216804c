"""Children for tests of the supervisor, and a supervisor in a process of its own: `python -m … FOLDER GRACE`."""

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any

from api.child import Child
from api.supervisor import Event, State, Supervisor

#: Says that it is ready, and lives until it is told to end; what it has started lives on.
OBEDIENT = 'sleep 60 & echo $! > "$NAME.grandchild"; echo $$ > "$NAME.ready"; wait'

#: Takes note of SIGTERM, and lives until it is killed.
STUBBORN = f'trap "echo told >> $NAME.told" TERM; {OBEDIENT}; while :; do wait; done'


def shell(folder: Path, name: str, script: str, **changes: Any) -> Child:
    """A child that runs `script` in `folder`, and is ready when it has written NAME.ready."""
    ready = folder / f"{name}.ready"
    defaults: dict[str, Any] = {
        "argv": ("sh", "-c", f'cd "$FOLDER"; {script}'),
        "log": folder / "logs" / f"{name}.log",
        "env": {"FOLDER": str(folder), "NAME": name},
        "ready": lambda pid: number_in(ready) == pid,
        "stale_files": (ready,),
    }
    return Child(name=name, **defaults | changes)


def number_in(path: Path) -> int | None:
    """The process id that a child has written, once it has."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int(path.read_text())
    return None


def told(events: list[Event], state: State) -> list[str]:
    return [event.told for event in events if event.state is state]


def pids(folder: Path, *names: str) -> list[int]:
    """Ids of the named children and of what each has started."""
    files = [folder / f"{name}.{kind}" for name in names for kind in ("ready", "grandchild")]
    return [pid for path in files if (pid := number_in(path)) is not None]


def exists(pid: int) -> bool:
    """Whether there is such a process; a zombie is one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition: Any, seconds: float = 10.0) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(condition())


def main(folder: Path, grace_s: float) -> None:
    """Run an obedient child, and a stubborn one with some seconds of grace, until a signal comes."""
    with Supervisor(lambda event: print(event.told, flush=True)) as supervisor:  # noqa: T201  # a test reads it
        supervisor.start([shell(folder, "obedient", OBEDIENT), shell(folder, "stubborn", STUBBORN, grace_s=grace_s)])
        (folder / "started").touch()
        supervisor.run_until(lambda: False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
