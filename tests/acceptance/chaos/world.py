"""A whole system that faults happen to: disk, database, broker, processes, a router, and a receiver of webhooks."""

import os
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from core.schemas.conversation import Sampling
from core.schemas.experts import ExpertSpec, Limits
from core.settings import Settings
from core.store.failpoints import Point
from experts import catalogue
from router import checkpoints
from router.baselines import RandomRouter
from router.config import TrainConfig
from router.manifest import Manifest
from tests.acceptance.chaos import moves
from tests.acceptance.chaos.brokers import Valkey
from tests.acceptance.chaos.databases import Database, Postgresql, Rows, Sqlite
from tests.acceptance.chaos.disks import Disk, disk
from tests.acceptance.chaos.processes import Processes
from tests.acceptance.chaos.rabbitmq import Rabbitmq
from tests.acceptance.chaos.receivers import Receiver, receiving
from tests.acceptance.chaos.wanted import Wanted
from tests.factories import expert
from tests.system import System, until
from workers.app import all_queues

#: Short, so that a run sees many leases expire; attempts are counted, and never run out.
HASTE = {
    "lease_s": 4.0,
    "sweep_s": 1.0,
    "resend_after_s": 3.0,
    "resend_anyway_s": 10.0,
    "max_attempts": 100,
    "drain_s": 0.05,
    "batch_window": 200,
    "batch_poll_s": 0.1,
    "route_chunk": 32,
    "generate_chunk": 32,
    "min_free_bytes": 4 * 2**20,
    "flower_port": 0,
    "webhook_private": True,
    "webhook_attempts": 50,
    "webhook_timeout_s": 5.0,
    "webhook_secret": f"whsec_{'A' * 32}",
}


#: Seconds for all processes to be ready: a real engine loads its weights.
READY_S = 400.0


@dataclass
class World:
    wanted: Wanted
    settings: Settings
    logs: Path
    disk: Disk
    database: Database
    broker: Valkey | Rabbitmq
    processes: Processes
    rows: Rows
    ledger: Path
    receiver: Receiver
    draw: random.Random
    checkpoints: list[Path]
    #: Set when nothing more is to be broken.
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=2).is_success
        except httpx.TransportError:
            return False

    def say(self, what: str) -> None:
        with (self.logs / "run.log").open("a") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {what}\n")


@contextmanager
def world(wanted: Wanted, folder: Path, hit: Counter[Point]) -> Iterator[World]:
    """Started and ready; ended with the body, and all that is on its disk with it. Logs stay."""
    logs, ledger = folder / "logs", folder / "ledger"
    logs.mkdir(parents=True)
    with ExitStack() as stack:
        small = stack.enter_context(disk(folder / "disk"))
        home = small.folder / "home"
        home.mkdir()
        if wanted.engine == "vllm":
            (home / "cache").symlink_to(_weights(), target_is_directory=True)
        database = _database(wanted.database, small.folder, logs)
        stack.callback(database.stop)
        settings = Settings(home=home, database_url=database.url, port=_free_port(), **HASTE)
        broker: Valkey | Rabbitmq = Valkey(settings, logs / "valkey.log")
        if wanted.broker == "rabbitmq":
            broker = Rabbitmq(small.folder / "rabbitmq", all_queues(wanted.experts), logs / "rabbitmq.log")
            settings = settings.model_copy(update={"broker_url": broker.url})
        System(settings, [_expert(name, ledger) for name in wanted.experts]).store.close()
        rows = Rows(database.url)
        moves.watch(rows)
        folders = _promote(settings, wanted, folder)
        stack.callback(broker.kill)
        broker.start()
        receiver = stack.enter_context(receiving())
        processes = Processes(settings, logs, wanted.seed, hit)
        stack.callback(processes.stop)
        draw = random.Random(wanted.seed)
        made = World(wanted, settings, logs, small, database, broker, processes, rows, ledger, receiver, draw, folders)
        processes.start(_commands(wanted))
        until(made.answers, "the API answers")
        for name in _commands(wanted):
            if name != "api":
                until(lambda name=name: processes.ready(name), f"{name} is ready", READY_S)
        yield made


def _commands(wanted: Wanted) -> dict[str, tuple[str, ...]]:
    workers = ("routing", "batches", "recovery", *(("scoring",) if wanted.scored else ()))
    experts = {f"expert-{name}": ("work", "expert", name) for name in wanted.experts}
    return {"api": ("serve",), **{name: ("work", name) for name in workers}, **experts}


def _expert(name: str, ledger: Path) -> ExpertSpec:
    """A real one where the catalogue has it, else a synthetic one.

    With some latency, so that a kill meets answers on their way; and few at once, so that it costs few."""
    shipped = {spec.name: spec for spec in catalogue.load(catalogue.SHIPPED)}
    if name in shipped:
        return shipped[name].model_copy(update={"sampling": Sampling(temperature=0.0, max_tokens=24)})
    options = {"first_token_s": 0.5, "token_s": 0.04, "tokens": 8, "ledger": str(ledger)}
    return expert(name, options=options, limits=Limits(bulk_threads=2, bulk_places=48))


def _database(kind: str, folder: Path, logs: Path) -> Database:
    return Sqlite(folder) if kind == "sqlite" else Postgresql(folder / "postgresql", logs / "postgresql.log")


def _promote(settings: Settings, wanted: Wanted, folder: Path) -> list[Path]:
    """Promote a router that needs no training; folders of others to be promoted later."""
    folders = []
    for seed in range(4):
        router = RandomRouter(wanted.experts, seed)
        manifest = Manifest(kind=router.kind, experts=router.experts, config=TrainConfig(router="random", seed=seed))
        checkpoints.save(router, folder / f"checkpoint-{seed}", manifest)
        folders.append(folder / f"checkpoint-{seed}")
    system = System(settings, [_expert(name, folder / "ledger") for name in wanted.experts])
    system.promote_random(folder / "checkpoint", *wanted.experts)
    system.store.close()
    return folders


def _weights() -> Path:
    """The folder of prepared weights that the tests share."""
    folder = Path(os.environ.get("TOROUTER_TEST_CACHE", tempfile.gettempdir())) / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
