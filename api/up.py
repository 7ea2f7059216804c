"""The whole system on this machine: prepared, started, looked after, and stopped with nothing left over."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from rich.console import Console

from api import exposure, first_router, probes, system
from api.claim import claim
from api.supervisor import Event, State, Supervisor
from core.errors import NotReadyError
from core.settings import Settings
from core.store import Store
from experts import catalogue
from workers import app as celery_app
from workers import tracing
from workers.sending import Sender

#: Longest time for all processes to be ready: engines on a busy machine take minutes.
START_S: Final = 900.0


@dataclass(frozen=True)
class Running:
    """A system that runs; `supervisor.poll` must be called now and then."""

    settings: Settings
    store: Store
    sender: Sender
    supervisor: Supervisor
    console: Console
    metrics: dict[str, int] = field(default_factory=dict)  # the port of each process that tells its own

    @property
    def url(self) -> str:
        return probes.url(self.settings.host, self.settings.port)

    def command(self, *arguments: str) -> None:
        """Run another command of ours to its end, with its progress on this terminal; NotReadyError where it fails."""
        process = subprocess.Popen(
            (sys.executable, "-P", "-m", "api.cli", *arguments), env=system.process_environment(self.settings)
        )
        try:
            self.supervisor.run_until(lambda: process.poll() is not None)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
        if process.returncode != 0:
            raise NotReadyError(f"`torouter {' '.join(arguments)}` ended with status {process.returncode}")


def run(settings: Settings, console: Console) -> None:
    """`torouter up`: until Ctrl-C; where no router has been promoted yet, collect and train first."""
    with running(settings, console) as up:
        if up.store.checkpoints.promoted() is None:
            console.print("No router has been promoted yet: collecting outcomes and training one.")
            first_router.make(up)
        console.print(f"\nAPI      {up.url}  (documentation: {up.url}/docs)", highlight=False)
        if settings.flower_port:
            console.print(f"Flower   {probes.url(settings.host, settings.flower_port)}", highlight=False)
        if up.metrics:
            console.print(f"Metrics  {_ports(up)}", highlight=False, soft_wrap=True)
        console.print(f"Logs     {settings.home / 'logs'}\nCtrl-C ends all of it.", highlight=False, soft_wrap=True)
        up.supervisor.run_until(lambda: False)


@contextmanager
def running(settings: Settings, console: Console) -> Iterator[Running]:
    """The system, ready, while the body runs."""
    started = time.monotonic()

    def tell(event: Event) -> None:
        if event.state is not State.STOPPED:
            console.print(f"[dim]{time.monotonic() - started:5.0f} s[/]  {event.told}", highlight=False, soft_wrap=True)

    exposure.check(settings)
    tracing.check(settings)
    with claim(settings), _temporary_folder(), Supervisor(tell) as supervisor:
        store = Store.of(settings)
        store.schema.upgrade()
        store.experts.sync(catalogue.load(settings.catalogue or catalogue.SHIPPED))
        sender = Sender(celery_app.create(settings), store.recovery, settings)
        up = Running(settings, store, sender, supervisor, console)
        supervisor.start(system.broker(settings))
        ports = count(settings.metrics_port)
        steps = system.with_ports(system.steps(settings), ports)
        supervisor.add(steps)
        up.command("experts", "prepare")
        experts = list(store.experts.enabled().values())
        console.print(f"Starting {_listed([spec.name for spec in experts])}.", soft_wrap=True)
        workers = system.expert_workers(settings, experts, shared=system.has_gpu())
        workers = system.with_ports(workers, ports)
        up.metrics.update({one.name: port for one in (*steps, *workers) if (port := system.metrics_port(one))})
        supervisor.start(workers, START_S)
        try:
            yield up
        finally:
            console.print("Stopping.")
            store.close()


@contextmanager
def _temporary_folder() -> Iterator[None]:
    """A TMPDIR for all that is started meanwhile, and gone with it: vLLM leaves its sockets behind there."""
    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="torouter-", ignore_cleanup_errors=True) as folder:
        os.environ["TMPDIR"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before


def _ports(up: Running) -> str:
    first = probes.url(up.settings.metrics_host, up.settings.metrics_port)
    ports = ", ".join(f"{name} {port}" for name, port in up.metrics.items())
    return f"{first}/metrics, and each process at a port of its own: {ports}"


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)} expert{'s' * (len(names) != 1)} ({', '.join(names)})"
