"""What goes wrong, by name. A fault takes as long as it lasts, and says from when on the system had to recover."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from core import queues
from tests.acceptance.chaos.databases import Postgresql, Sqlite
from tests.acceptance.chaos.processes import POINTS
from tests.acceptance.chaos.world import World

#: Seconds in which work that waits goes on, whatever has happened.
RECOVER_S = 180.0

#: Seconds in which no process of a dead engine is left.
ORPHANS_S = 30.0

#: Of faults that are over when they have begun.
AT_ONCE = (0.0, 0.0)

#: Seconds for which a fault waits for a process to be at work.
READY_S = 15.0

#: The rows that a process holds, by the table that they are in.
HELD = "SELECT '{0}' AS what, id, fence FROM {0} WHERE lease_owner LIKE :owner AND state {1}"
STATES = {
    "prompt": "= 'running'",
    "generation": "= 'running'",
    "score": "= 'running'",
    # One in progress is nobody's business again until prompts of it have ended, however long that takes.
    "batch": "IN ('validating', 'finalizing', 'cancelling')",
}


@dataclass
class Happened:
    """A fault, and what came of it."""

    target: str
    at: float
    lasted_s: float
    #: Seconds until what it had stopped went on; None: it had stopped nothing.
    recovery_s: float | None = None
    wrong: str = ""


Fault = Callable[[World], Happened]


def process_faults(world: World) -> dict[str, Fault]:
    """Those of the system's own processes."""
    kinds = ["api", "routing", "expert", "batches", "recovery", *(["scoring"] if world.wanted.scored else [])]
    return {
        **{f"SIGKILL {kind}": partial(_kill, kind) for kind in kinds},
        **{f"SIGTERM {kind}": partial(_terminate, kind) for kind in kinds},
        **{f"SIGSTOP {kind}, then SIGCONT": partial(_freeze, kind) for kind in kinds if kind != "api"},
        "promotion, killed and done again": _promote,
    }


def service_faults(world: World) -> dict[str, Fault]:
    """Those of the parts that it stands on."""
    broker = world.broker
    faults: dict[str, Fault] = {
        "broker killed, back empty": partial(_broker, empty=True),
        "broker killed, back with its data": partial(_broker, empty=False),
        "broker paused": partial(_during, "broker", broker.pause, (2, 8)),
        "broker's connections cut": partial(_during, "broker", lambda _: broker.cut_connections(), AT_ONCE),
        "broker's memory full": partial(_during, "broker", broker.fill, (1, 5)),
        "messages duplicated": partial(_during, "broker", lambda _: broker.duplicate(world.draw), AT_ONCE),
        "messages delayed": partial(_during, "broker", lambda s: broker.delay(world.draw, s), (1, 6)),
        "messages reordered": partial(_during, "broker", lambda _: broker.reorder(world.draw), AT_ONCE),
        "messages lost": partial(_during, "broker", lambda _: broker.lose(), AT_ONCE),
        "messages malformed, or of another version": partial(_during, "broker", lambda _: _malformed(world), AT_ONCE),
    }
    if world.disk.small:
        faults["disk full"] = _disk_full
    match world.database:
        case Postgresql() as server:
            faults |= {
                "database killed": _database,
                "database's process killed": partial(_during, "database", lambda _: server.kill_backend(), AT_ONCE),
                "database paused": partial(_during, "database", lambda s: _paused(server, s), (2, 7)),
                "database's connections cut": partial(
                    _during, "database", lambda _: server.terminate_connections(), AT_ONCE
                ),
                "database's connections exhausted": partial(_during, "database", server.take_all_connections, (2, 6)),
                "deadlocks": partial(_during, "database", server.lock_against_the_order, (3, 6)),
                "serialization failures": partial(_during, "database", server.serializable, (3, 6)),
            }
        case Sqlite() as file:
            faults["a foreign writer holds the database"] = partial(_during, "database", file.hold_for_writing, (2, 7))
    return faults


def engine_faults(world: World) -> dict[str, Fault]:
    """Those between a worker and the real engine below it."""
    world.processes.leaving_orphans = True
    return {
        "EngineCore killed under its worker": partial(_engine, core=True),
        "worker killed over its EngineCore": partial(_engine, core=False),
    }


def failpoint_faults(world: World) -> dict[str, Fault]:
    """Deaths at failpoints: whoever is armed with none is started again with one."""
    return {"a process is armed with a failpoint": _arm}


def endless(world: World, faults: dict[str, Fault]) -> Iterator[tuple[str, Fault]]:
    """All of them in a seeded order, then again in another."""
    while True:
        names = sorted(faults)
        world.draw.shuffle(names)
        for name in names:
            yield name, faults[name]


def _kill(kind: str, world: World) -> Happened:
    name = _one(kind, world)
    at = time.monotonic()
    pid = world.processes.kill(name)
    return _recovered(Happened(name, at, 0.0), world, kind, pid)


def _engine(world: World, *, core: bool) -> Happened:
    """Either of the two dies; the other has to follow, and must not keep its memory."""
    name = _one("expert", world)
    at, pid = time.monotonic(), world.processes.pid(name)
    below = psutil.Process(pid).children(recursive=True)
    if core:
        for process in below:
            if "EngineCore" in " ".join([process.name(), *process.cmdline()]):
                process.kill()
    else:
        world.processes.kill_alone(name)
    happened = Happened(name, at, 0.0)
    _, orphans = psutil.wait_procs(below, timeout=ORPHANS_S)
    if orphans:
        happened.wrong = f"{name}, process {pid}, has left {orphans} behind for {ORPHANS_S:.0f} s"
    while not world.processes.ready(name) or world.processes.pid(name) == pid:
        time.sleep(0.5)
    return _recovered(happened, world, "expert", pid)


def _arm(world: World) -> Happened:
    while not (names := sorted(world.processes.unarmed())):
        if world.over.wait(0.5):
            return Happened("nobody", time.monotonic(), 0.0)
    at, name = time.monotonic(), world.draw.choice(names)
    pid = world.processes.kill(name)
    time.sleep(world.draw.uniform(2, 4))
    return _recovered(Happened(name, at, 0.0), world, name.split("-")[0], pid)


def _terminate(kind: str, world: World) -> Happened:
    name = _one(kind, world)
    at, pid = time.monotonic(), world.processes.pid(name)
    status = world.processes.terminate(name)
    happened = Happened(name, at, time.monotonic() - at)
    if status is None:
        happened.wrong = f"{name} did not end within 30 s of SIGTERM"
    return _recovered(happened, world, kind, pid)


def _freeze(kind: str, world: World) -> Happened:
    """For longer than its lease; what it then still says must not count."""
    name = _one(kind, world)
    at, pid = time.monotonic(), world.processes.pid(name)
    frozen = world.processes.freeze(name)
    time.sleep(world.settings.lease_s + world.settings.sweep_s + world.draw.uniform(0.5, 3))
    happened = Happened(name, at, time.monotonic() - at)
    if world.processes.thaw(frozen, for_s=1.0) is None:
        happened.wrong = f"{name} did not end within 30 s of SIGTERM, after it was frozen"
    return _recovered(happened, world, kind, pid)


def _one(kind: str, world: World) -> str:
    """A process of that kind that is at work; any that runs, where none is for long."""
    deadline = time.monotonic() + READY_S
    while True:
        names = sorted(name for name in world.processes.names() if name.split("-")[0] == kind)
        ready = [name for name in names if kind == "api" or world.processes.ready(name)]
        if ready or (names and time.monotonic() >= deadline):
            return world.draw.choice(ready or names)
        time.sleep(0.05)


def _recovered(happened: Happened, world: World, kind: str, pid: int) -> Happened:
    """Wait until all that the process held has been taken by another, or has ended."""
    if kind == "api":
        while not world.answers():
            time.sleep(0.05)
        happened.recovery_s = time.monotonic() - happened.at
        return happened
    held = {(row.what, row.id): row.fence for row in _held(world, pid)}
    if not held:
        return happened
    deadline = happened.at + happened.lasted_s + RECOVER_S
    while any(held.get((row.what, row.id)) == row.fence for row in _held(world, pid)) or _unclaimed(world, held):
        if time.monotonic() >= deadline:
            happened.wrong = f"what {happened.target} held was not taken up for {RECOVER_S:.0f} s: {held}"
            break
        time.sleep(0.1)
    happened.recovery_s = time.monotonic() - happened.at
    return happened


def _held(world: World, pid: int) -> list[Any]:
    statement = " UNION ALL ".join(HELD.format(table, states) for table, states in STATES.items())
    return list(world.rows.of(statement, owner=f"%:{pid}:%"))


def _unclaimed(world: World, held: dict[tuple[str, int], int]) -> bool:
    """Whether some of these wait for who takes them."""
    for table in ("prompt", "generation", "score"):
        ids = ", ".join(str(id_) for what, id_ in held if what == table)
        if not ids:
            continue
        for row in world.rows.of(f"SELECT id, fence FROM {table} WHERE id IN ({ids}) AND state = 'pending'"):
            if row.fence == held[table, row.id]:
                return True
    return False


def _broker(world: World, *, empty: bool) -> Happened:
    at = time.monotonic()
    world.broker.kill()
    time.sleep(world.draw.uniform(0.1, 4))
    if empty:
        world.broker.forget()
    world.broker.start()
    return _going_on(Happened("broker", at, time.monotonic() - at), world)


def _database(world: World) -> Happened:
    at = time.monotonic()
    server = world.database
    assert isinstance(server, Postgresql)
    server.kill()
    time.sleep(world.draw.uniform(0.1, 4))
    server.start()
    return _going_on(Happened("database", at, time.monotonic() - at), world)


def _paused(server: Postgresql, seconds: float) -> None:
    with server.paused():
        time.sleep(seconds)


def _disk_full(world: World) -> Happened:
    """For some seconds; what has died of it is then started again."""
    at = time.monotonic()
    world.disk.fill()
    try:
        time.sleep(world.draw.uniform(2, 5))
    finally:
        world.disk.empty()
    if world.broker.has_died():
        world.broker.start()
    server = world.database
    if isinstance(server, Postgresql) and server.has_died():
        server.start()
    return _going_on(Happened("disk", at, time.monotonic() - at), world)


def _during(target: str, action: Callable[[float], object], seconds: tuple[float, float], world: World) -> Happened:
    at = time.monotonic()
    action(world.draw.uniform(*seconds))
    return _going_on(Happened(target, at, time.monotonic() - at), world)


def _going_on(happened: Happened, world: World) -> Happened:
    """Wait until anything has been finished since; where nothing is open there is nothing to wait for."""
    since, began = time.time(), time.monotonic()
    deadline = began + RECOVER_S
    while True:
        (open_,) = world.rows.of(
            "SELECT (SELECT count(*) FROM prompt WHERE state IN ('pending', 'running', 'routed')) AS prompts,"
            " (SELECT count(*) FROM generation WHERE finished_at > :since) AS finished",
            since=since,
        )
        if open_.finished:
            happened.recovery_s = time.monotonic() - began
            return happened
        if not open_.prompts:
            return happened
        if time.monotonic() >= deadline:
            happened.wrong = f"{open_.prompts} prompts are open, and nothing went on for {RECOVER_S:.0f} s"
            return happened
        time.sleep(0.1)


def _promote(world: World) -> Happened:
    """Somebody promotes a router, dies at it somewhere, and does it again."""
    at = time.monotonic()
    folder = str(world.draw.choice(world.checkpoints))
    points = sorted(POINTS["promote"], key=lambda point: (world.processes.seen.hit[point], point))
    world.processes.run("promote", "promote", folder, "--force", point=points[0])
    status = -1
    while status != 0 and time.monotonic() < at + RECOVER_S:
        status = world.processes.run("promote", "promote", folder, "--force")
    happened = Happened("promote", at, time.monotonic() - at)
    if status != 0:
        happened.wrong = f"`torouter promote` ended with {status} for {RECOVER_S:.0f} s"
    return happened


def _malformed(world: World) -> None:
    """Into every queue: what is no message, or none of ours, or of another version."""
    names = [f"expert.{name}.bulk" for name in world.wanted.experts]
    tasks = {"route.bulk": queues.ROUTE, "route.interactive": queues.ROUTE, **dict.fromkeys(names, queues.GENERATE)}
    for queue, task in tasks.items():
        for arguments in ({"v": 0, "ids": [1]}, {"v": 99, "ids": [1]}, {"ids": "all"}, {"v": 1, "ids": ["x"]}, {}):
            world.broker.push(queue, envelope(queue, task, arguments))
        world.broker.push(queue, envelope(queue, "torouter.unknown", {"v": 1, "ids": [1]}))
        world.broker.push(queue, envelope(queue, task, None))
        world.broker.push(
            queue, envelope(queue, task, {"v": 1, "ids": [1]}, content_type="application/x-python-serialize")
        )
        world.broker.push(queue, world.draw.choice((b"not a message", b"{}", b"[1, 2]", b"\xff\xfe", b"null")))


def envelope(queue: str, task: str, arguments: object, content_type: str = "application/json") -> bytes:
    """A message as kombu puts it into Redis."""
    name = str(uuid.uuid4())
    body = json.dumps([[], arguments, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    message = {
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": content_type,
        "headers": {"lang": "py", "task": task, "id": name, "root_id": name, "parent_id": None, "group": None},
        "properties": {
            "correlation_id": name,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
    return json.dumps(message).encode()
