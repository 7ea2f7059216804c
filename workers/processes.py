"""Each kind of worker process, put together from settings and run to its end. Heavy imports happen here, when asked."""

import hashlib
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from core import queues
from core.errors import ConfigError, EngineDeadError, StoreError
from core.queues import WorkClass
from core.schemas.files import BatchJob
from core.settings import Settings
from core.store import Store
from workers import app as celery_app
from workers import metering, tracing
from workers.engine_loop import EngineLoop
from workers.gathering import Gatherer
from workers.leasing import Leases
from workers.lines import LineFormat, Using
from workers.periodic import Periodic
from workers.process import Consuming, keep_logging, run
from workers.sending import Sender

log = logging.getLogger(__name__)

#: Seconds between two looks for a newly promoted checkpoint.
PROMOTED_S = 1.0

#: Seconds between two looks at an engine's health.
CHECK_S = 2.0

#: Seconds for what a dying process has to write.
LET_GO_S = 20.0

#: Seconds between two looks for what has expired.
HOUSEKEEPING_S = 60.0

#: Seconds between two looks for bytes that nobody knows.
SWEEPING_S = 3600.0

#: Seconds between two rounds of calls.
WEBHOOKS_S = 1.0

#: Characters of the experts in a worker's name; beyond, it names the first.
LONGEST_NAME = 100

#: Exit status of a worker whose engine died (EX_SOFTWARE), for its supervisor.
ENGINE_DIED = 70


def ready_file(settings: Settings, name: str) -> Path:
    """The file that a worker writes its process id to while it consumes."""
    return settings.home / "run" / f"{name}.ready"


def not_ready(settings: Settings, name: str) -> None:
    """Take away what a killed run left behind: loading may take minutes, and a probe looks meanwhile."""
    ready_file(settings, name).unlink(missing_ok=True)


def expert_worker_name(names: Sequence[str]) -> str:
    """Of the worker that serves these experts: different for each group, and short enough for a file's name."""
    joined = ".".join(names)  # which no name holds
    if len(joined) <= LONGEST_NAME:
        return f"expert-{joined}"
    return f"expert-{names[0]}.{len(names) - 1}-more.{hashlib.sha256(joined.encode()).hexdigest()[:12]}"


def routing(settings: Settings) -> int:
    """Route prompts through the promoted router until told to end; the exit status."""
    from router.checkpoints import load  # noqa: PLC0415  # may bring torch
    from router.policy import parse  # noqa: PLC0415  # as its siblings
    from workers import promoted, routing  # noqa: PLC0415  # numpy

    not_ready(settings, "routing")
    metering.serve(settings, "routing")
    parse(settings.policy)  # refused now rather than prompt by prompt
    store, app = Store.of(settings), celery_app.create(settings)
    leases = Leases(store.prompts, settings.lease_s, "routing")
    using = routing.Using(store, Sender(app, store.recovery, settings), leases, settings)
    serving = promoted.Promoted(store, settings.cache, load)
    serving.refresh()
    gatherer = Gatherer(
        lambda ids: routing.route(ids, serving.serving(), using), wait_s=settings.gather_s, most=settings.route_most
    )
    interactive, bulk = (queues.route_queue(work_class) for work_class in WorkClass)
    consuming = Consuming(
        "routing", queues.ROUTE, (interactive, bulk), (bulk,), settings.route_threads, settings.route_bulk_threads
    )
    with Periodic("promoted", PROMOTED_S, serving.refresh), renewing(leases):
        return run(
            app,
            consuming,
            lambda ids, queue: gatherer.run(ids, urgent=queue == interactive),
            ready_file(settings, consuming.name),
            on_stopping=lambda: None,
            drain_s=settings.drain_s,
        )


def scoring(settings: Settings) -> int:
    """Score answers by BERTSim until told to end; the exit status."""
    from router import device  # noqa: PLC0415  # torch
    from router.bertsim import bertsim  # noqa: PLC0415  # as above
    from router.encoder import Encoder  # noqa: PLC0415  # torch
    from workers import scoring  # noqa: PLC0415  # as its siblings

    not_ready(settings, "scoring")
    metering.serve(settings, "scoring")
    store, app = Store.of(settings), celery_app.create(settings)
    leases = Leases(store.scores, settings.lease_s, "scoring")
    encoder = Encoder.load(settings.encoder, device.exact())
    using = scoring.Using(
        store, leases, lambda answers, references: list(bertsim(answers, references, encoder)), settings
    )
    gatherer = Gatherer(
        lambda ids: scoring.score(ids, using), wait_s=settings.score_gather_s, most=settings.score_chunk
    )
    consuming = Consuming("scoring", queues.SCORE, (queues.SCORE_QUEUE,), (), settings.score_threads, 0)
    with renewing(leases):
        return run(
            app,
            consuming,
            lambda ids, _queue: gatherer.run(ids, urgent=False),
            ready_file(settings, consuming.name),
            on_stopping=lambda: None,
            drain_s=settings.drain_s,
        )


def expert(settings: Settings, names: Sequence[str]) -> int:
    """Answer for one expert, or for several that share an engine, until told to end; the exit status."""
    from experts import engines  # noqa: PLC0415  # an engine brings its own imports
    from workers import generating  # noqa: PLC0415  # as its siblings

    not_ready(settings, expert_worker_name(names))
    metering.serve(settings, "expert")
    store, app = Store.of(settings), celery_app.create(settings)
    specs = {name: store.experts.get(name) for name in names}
    limits = specs[names[0]].limits
    engine = EngineLoop(engines.create(list(specs.values()), settings.cache))
    leases = Leases(store.generations, settings.lease_s, "generating")
    using = generating.Using(store, Sender(app, store.recovery, settings), leases, engine, specs, settings)
    engine.start()

    count_once, counted = threading.Lock(), threading.Event()

    def count_death() -> None:
        """Where it outlives this process; with several threads at its end, the first counts and the others wait."""
        with count_once, suppress(StoreError):
            if not counted.is_set():
                counted.set()
                store.experts.died(names)

    def end(error: EngineDeadError) -> None:
        late = threading.Timer(LET_GO_S, _die, (error,))  # where the database says nothing either
        late.daemon = True
        late.start()
        count_death()
        generating.let_go(error, using)
        _die(error)

    def step(ids: list[int], _queue: str) -> None:
        try:
            generating.generate(ids, using)
        except EngineDeadError as error:
            end(error)

    def check() -> None:
        try:
            engine.check(settings.engine_silent_s)
        except EngineDeadError as error:
            end(error)

    consuming = Consuming(
        expert_worker_name(names),
        queues.GENERATE,
        [queues.expert_queue(name, work_class) for work_class in WorkClass for name in names],
        [queues.expert_queue(name, WorkClass.BULK) for name in names],
        limits.bulk_threads + limits.interactive_threads,
        limits.bulk_threads,
    )
    with ExitStack() as stack:
        stack.callback(_stop, engine)
        stack.enter_context(renewing(leases))
        stack.enter_context(Periodic("engine-check", CHECK_S, check))
        return run(
            app,
            consuming,
            step,
            ready_file(settings, consuming.name),
            on_stopping=using.stopping.set,
            drain_s=settings.drain_s,
        )


def retraining(settings: Settings) -> int:
    """Retrain whenever a message says so, until told to end; the exit status. What is cut off is begun anew later."""
    from workers import retraining  # noqa: PLC0415  # torch

    not_ready(settings, "retraining")
    metering.serve(settings, "retraining")
    store, app = Store.of(settings), celery_app.create(settings)
    wanted = retraining.Wanted.of(settings, "beat")

    def step(_ids: list[int], _queue: str) -> None:
        retraining.attempt(store, settings, wanted)

    consuming = Consuming("retraining", queues.RETRAIN, (queues.RETRAIN_QUEUE,), (), 1, 0)
    # What is cut off is begun anew: no training waits for the end of another.
    return run(app, consuming, step, ready_file(settings, consuming.name), on_stopping=lambda: None, drain_s=0)


def beat(settings: Settings) -> int:
    """Send the message for a retraining every so often, until told to end; the exit status."""
    if settings.retrain_every_s is None:
        raise ConfigError("TOROUTER_RETRAIN_EVERY_S is not set: set the seconds between two retrainings")
    app = celery_app.create(settings)
    celery_app.schedule_retraining(app, settings.retrain_every_s)
    asked = settings.home / "run" / "beat-asked"
    asked.parent.mkdir(parents=True, exist_ok=True)
    level = logging.getLevelName(logging.getLogger().getEffectiveLevel())
    keep_logging()
    app.Beat(schedule=str(asked), scheduler="workers.beat:Remembering", loglevel=level, quiet=True).run()
    return 0


def recovery(settings: Settings, stop: threading.Event) -> int:
    """Sweep every few seconds until `stop` is set; the exit status. Not a Celery worker: it consumes nothing."""
    from workers import recovery  # noqa: PLC0415  # as its siblings

    metering.serve(settings, "recovery")
    store, app = Store.of(settings), celery_app.create(settings)
    sender = Sender(app, store.recovery, settings)

    def sweep() -> None:
        found = recovery.sweep(store, sender, lambda queue: celery_app.depth(app, queue), settings)
        if found.pending or found.failed:
            log.warning(
                "from silent workers: %d rows come back, %d have had their attempts", found.pending, found.failed
            )

    with _saying_ready(settings, "recovery"), Periodic("recovery", settings.sweep_s, sweep):
        stop.wait()
    return 0


def batches(
    settings: Settings,
    lines: Callable[[Store], LineFormat],
    evaluate: Callable[[BatchJob], None],
    stop: threading.Event,
) -> int:
    """Read and write batches that come as files until `stop` is set; the exit status. Consumes nothing, as recovery."""
    from workers import batching, housekeeping, webhooks  # noqa: PLC0415  # as its siblings

    metering.serve(settings, "batches")
    store, app = Store.of(settings), celery_app.create(settings)
    leases = Leases(store.batch_jobs, settings.lease_s, "batches")
    sender = Sender(app, store.recovery, settings)
    using = Using(store, sender, leases, lines(store), settings, evaluate, stop)
    with ExitStack() as stack:
        stack.enter_context(renewing(leases))
        stack.enter_context(Periodic("housekeeping", HOUSEKEEPING_S, lambda: housekeeping.tidy(store)))
        stack.enter_context(Periodic("sweeping", SWEEPING_S, lambda: housekeeping.sweep(store)))
        deliver = partial(webhooks.deliver, store, settings, leases.owner)
        stack.enter_context(Periodic("webhooks", WEBHOOKS_S, deliver))
        stack.enter_context(_saying_ready(settings, "batches"))
        batching.run(using)
    return 0


@contextmanager
def _saying_ready(settings: Settings, name: str) -> Iterator[None]:
    ready = ready_file(settings, name)
    ready.parent.mkdir(parents=True, exist_ok=True)
    ready.write_text(str(os.getpid()))
    try:
        yield
    finally:
        ready.unlink(missing_ok=True)


def renewing(leases: Leases) -> Periodic:
    """Renew what is held often enough that one missed round loses nothing."""
    return Periodic("leases", leases.lease_s / 4, leases.renew)


def _stop(engine: EngineLoop) -> None:
    try:
        engine.stop()
    except EngineDeadError as error:
        _die(error)


def _die(error: EngineDeadError) -> None:
    """End at once, so that a supervisor starts a new process: nothing here can be saved."""
    log.critical("the engine is dead, and this process ends: %s", error)
    tracing.stop()
    logging.shutdown()
    for child in multiprocessing.active_children():
        child.kill()  # a stopped EngineCore would not see that we are gone
    os._exit(ENGINE_DIED)
