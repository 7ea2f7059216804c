"""Commands that run one process of the system until it is told to end: serve, work, flower, beat."""

import logging
import math
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from api import logs
from core import settings as settings_of
from core.settings import Settings
from workers import tracing

#: What makes spans; an expert's worker is the service `expert`, whichever it serves.
TRACED = ("api", "routing", "scoring", "expert", "batches")

work = typer.Typer(no_args_is_help=True, help="Run one worker process until SIGTERM or Ctrl-C.")


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    app.command()(serve)
    app.command()(flower)
    app.command()(beat)
    app.add_typer(work, name="work")


def serve() -> None:
    """Run the HTTP API on TOROUTER_HOST and TOROUTER_PORT, once the database has been migrated.

    Callers need a key (`torouter keys create`) where TOROUTER_AUTH is `keys`; on a host that other machines reach it
    has to be set.
    """
    import uvicorn  # noqa: PLC0415  # each command brings its own

    from api import exposure, listening, starting  # noqa: PLC0415  # as above
    from api.app import create_app  # noqa: PLC0415  # as above
    from api.system import STOP_S  # noqa: PLC0415  # as above
    from workers import app as celery_app  # noqa: PLC0415  # as above
    from workers import metering  # noqa: PLC0415  # as above
    from workers.sending import Sender  # noqa: PLC0415  # as above

    settings = _settings("api")
    exposure.check_api(settings)
    with starting.ending_at_once():
        store = starting.migrated(settings)
    celery = celery_app.create(settings)
    app = create_app(settings, store, Sender(celery, store.recovery, settings))
    metering.serve(settings, "api", app.state.metrics)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level.lower(),
        timeout_graceful_shutdown=math.ceil(settings.drain_s + STOP_S),
        **listening.PROTOCOL,
        **logs.of_uvicorn(settings),
    )
    listening.allow_connections(settings.max_requests)
    with listening.on(settings) as listens:
        uvicorn.Server(config).run(sockets=[listens])


@work.command()
def routing() -> None:
    """Route prompts through the promoted router."""
    from workers import processes  # noqa: PLC0415  # as above

    with _awaited("routing") as settings:
        raise typer.Exit(processes.routing(settings))


@work.command()
def scoring() -> None:
    """Score answers against their references by BERTSim."""
    from workers import processes  # noqa: PLC0415  # as above

    with _awaited("scoring") as settings:
        raise typer.Exit(processes.scoring(settings))


@work.command()
def retraining() -> None:
    """Train anew on what the store has learned whenever `torouter beat` says so, and promote what is better."""
    from workers import processes  # noqa: PLC0415  # as above

    with _awaited("retraining") as settings:
        raise typer.Exit(processes.retraining(settings))


@work.command()
def expert(
    names: Annotated[list[str], typer.Argument(help="Experts of the catalogue; several share one engine.")],
) -> None:
    """Answer for one expert; or for several that share a model, as LoRA adapters on one engine."""
    from workers import processes  # noqa: PLC0415  # as above

    process = processes.expert_worker_name(names)
    with _awaited(process, experts=names) as settings:
        logs.for_vllm(settings, process, names)
        raise typer.Exit(processes.expert(settings, names))


@work.command()
def recovery() -> None:
    """Send again what was committed and not sent, and bring back what dead workers held. Several may run."""
    from workers import processes  # noqa: PLC0415  # as above

    with _awaited("recovery", broker=False) as settings:
        raise typer.Exit(processes.recovery(settings, _told_to_end()))


@work.command()
def batches() -> None:
    """Read batches that come as files, and write their results. Several may run."""
    from api.batch_reports import writing_apart  # noqa: PLC0415  # as above
    from api.http.batch_lines import Lines  # noqa: PLC0415  # as above
    from workers import processes  # noqa: PLC0415  # as above

    with _awaited("batches", broker=False) as settings:
        stop = _told_to_end()
        raise typer.Exit(processes.batches(settings, Lines, writing_apart(settings, stop), stop))


def beat() -> None:
    """Run Celery's beat: it asks for a retraining every TOROUTER_RETRAIN_EVERY_S seconds. Run one of it."""
    from workers import processes  # noqa: PLC0415  # as above

    with _awaited("beat") as settings:
        raise typer.Exit(processes.beat(settings))


def flower(
    database: Annotated[Path | None, typer.Option(help="File in which Flower keeps what it has seen.")] = None,
) -> None:
    """Run Flower, which shows workers, queues and running chunks, on TOROUTER_HOST and TOROUTER_FLOWER_PORT.

    It can only be looked at: whatever changes something is refused. TOROUTER_FLOWER_AUTH=USER:PASSWORD makes it ask
    for them, which a host that other machines reach needs.
    """
    from api import exposure, flower  # noqa: PLC0415  # as above

    exposure.check_flower(settings_of.read())
    with _awaited("flower") as settings:  # Flower then handles signals by itself
        pass
    flower.run(settings, database)


@contextmanager
def _awaited(process: str, *, experts: Sequence[str] = (), broker: bool = True) -> Iterator[Settings]:
    """The settings of a process, once what it needs is there; SIGTERM ends it at once until it has its own handler."""
    from api import starting  # noqa: PLC0415  # as above

    settings = _settings(process, experts)
    try:
        with starting.ending_at_once():
            store = starting.migrated(settings)
            if experts:
                starting.catalogued(store)
            store.close()
            if broker:
                starting.brokered(settings)
            yield settings
    finally:
        tracing.stop()


def _told_to_end() -> threading.Event:
    """Set by the signals that ask a process to end."""
    stop = threading.Event()

    def ended(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ended)
    return stop


def _settings(process: str, experts: Sequence[str] = ()) -> Settings:
    """As the environment says; logs and traces are as they say from now on."""
    settings = settings_of.read()
    logging.getLogger().setLevel(settings.log_level)
    logs.name_process(process, experts)
    service = "expert" if experts else process
    if service in TRACED:
        tracing.start(settings, service)
    return settings
