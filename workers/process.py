"""One Celery worker process: threads, queues, its step bound to its task, and a file that says it is ready."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready, worker_shutting_down

from core import queues
from core.store.failpoints import Point, failpoint
from workers import app as celery_app
from workers import tracing
from workers.reserve import BulkReserve

log = logging.getLogger(__name__)

#: Seconds beyond its time to drain after which a worker that was told to end is cut off.
LATE_S = 8.0

#: A step, given ids and the queue that they came from.
Step = Callable[[list[int], str], None]


@dataclass(frozen=True, slots=True)
class Consuming:
    """What a worker consumes; the queues in order of urgency, the bulk ones with threads of their own."""

    name: str
    task: str
    queues: Sequence[str]
    bulk_queues: Sequence[str]
    threads: int
    bulk_threads: int


def run(  # noqa: PLR0917  # put together once for each kind
    app: Celery, consuming: Consuming, step: Step, ready: Path, on_stopping: Callable[[], None], drain_s: float
) -> int:
    """Consume until SIGTERM or SIGINT; the process's exit status.

    `on_stopping` is called when the worker has been asked to end and before it waits for what runs: for `drain_s`, and
    `LATE_S` more for what nothing could end, e.g. a training. Its leases expire.
    """
    late = threading.Timer(drain_s + LATE_S, _cut_off, (consuming.name,))
    late.daemon = True
    celery_app.declare(app, list(consuming.queues))
    reserve = BulkReserve(consuming.bulk_queues, consuming.bulk_threads)
    bind(app, consuming.task, step)

    def is_ready(**_: Any) -> None:  # Any: Celery's signals are untyped
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.write_text(str(os.getpid()))

    def stopping(**_: Any) -> None:  # Any: as above
        ready.unlink(missing_ok=True)
        if late.ident is None:  # the first of several signals
            late.start()
        on_stopping()

    keep_logging()
    worker_ready.connect(is_ready, weak=False)
    worker_shutting_down.connect(stopping, weak=False)
    worker = app.Worker(
        hostname=f"{consuming.name}@{socket.gethostname()}",
        pool="threads",
        concurrency=consuming.threads,
        queues=list(consuming.queues),
        loglevel=logging.getLevelName(logging.getLogger().getEffectiveLevel()),
        without_gossip=True,
        without_mingle=True,
        quiet=True,  # no banner in the log
    )
    try:
        with reserve.held():
            worker.start()
    finally:
        late.cancel()
        ready.unlink(missing_ok=True)
    return int(worker.exitcode or 0)


def keep_logging() -> None:
    """Celery otherwise adds handlers that know neither our format nor our secrets; whoever answers this sets up all."""
    setup_logging.connect(_keep, weak=False)


def _keep(**_: Any) -> None:  # Any: as above
    pass


def _cut_off(name: str) -> None:
    log.warning("%s ends in the middle of its work, which begins anew elsewhere", name)
    tracing.stop()
    logging.shutdown()
    os._exit(0)


def bind(app: Celery, name: str, step: Step) -> None:
    """Make a step the task `name`; a message that isn't ours is refused in the log, and its rows are sent again."""

    @app.task(name=name, bind=True)  # type: ignore[untyped-decorator]  # Celery ships no types
    def task(self: Any, **message: Any) -> None:  # Any: as above
        ids = queues.ids_of(message)
        failpoint(Point.MESSAGE_TAKEN)
        step(ids, self.request.delivery_info.get("routing_key", ""))
        failpoint(Point.MESSAGE_DONE)
