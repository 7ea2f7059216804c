"""Reports of batches, in the file store: written in a process of its own, found again by the batch's id.

Importing it loads neither numpy nor matplotlib; writing does.
"""

import logging
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, Literal

from api import logs
from api.redacting import redact_logs
from core.errors import InvalidInputError, TorouterError
from core.schemas.files import BatchJob
from core.settings import Settings
from core.store import Store
from workers.lines import StepInterruptedError

log = logging.getLogger(__name__)

#: A report that takes longer is given up: a batch must end. One of 20,000 prompts and four experts took 55 s and
#: 680 MiB on two busy cores; a router adds some two minutes there (150 prompts/s, docs/performance.md).
LONGEST_S: Final = 1800.0

#: Seconds between two looks at whether the caller is to end.
LOOK_S: Final = 0.5

#: Who answers prompts goes first.
NICENESS: Final = 10


def key(batch: str, kind: Literal["json", "html"]) -> str:
    """Where the file store has a report."""
    return f"reports/{batch}/report.{kind}"


def write(store: Store, settings: Settings, job: BatchJob) -> None:
    """Measure a batch that has ended and keep the report; where there is nothing to measure, the log says why."""
    from api.evaluating import evaluate  # noqa: PLC0415  # numpy, and torch for most routers
    from api.reports import page  # noqa: PLC0415  # matplotlib

    try:
        report = evaluate(store, settings, job)
    except InvalidInputError as error:
        log.warning("%s has no report: %s", job.public_id, error)
        return
    with tempfile.TemporaryDirectory(prefix="torouter-report-") as folder:
        page.write(report, Path(folder))
        store.blobs.put(Path(folder), str(Path(key(job.public_id, "json")).parent))


def writing_apart(settings: Settings, stop: threading.Event) -> Callable[[BatchJob], None]:
    """`write`, one report at a time, in a process that ends with it.

    So the caller's memory stays small, and what may kill a process (memory, a library's crash) costs a report and not
    the batch. TorouterError where it failed or took too long, StepInterruptedError where `stop` is set meanwhile.
    """
    turn = threading.Lock()

    def write_apart(job: BatchJob) -> None:
        with turn:
            child = multiprocessing.get_context("spawn").Process(target=_write, args=(settings, job))
            child.start()
            try:
                _wait(child, stop)
            finally:
                child.kill()
                child.join()

    return write_apart


def _wait(child: BaseProcess, stop: threading.Event) -> None:
    until = time.monotonic() + LONGEST_S
    while child.is_alive():
        if stop.is_set():
            raise StepInterruptedError
        if time.monotonic() >= until:
            raise TorouterError(f"a report took longer than {LONGEST_S:g} s")
        child.join(LOOK_S)
    if child.exitcode:
        raise TorouterError(f"a report's process ended with status {child.exitcode} (-9: it was killed)")


def _write(settings: Settings, job: BatchJob) -> None:
    """In the process. A signal to the whole group is the parent's business, which then kills this one."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICENESS)
    logs.start(settings.log_format)
    logs.name_process("batches")
    redact_logs(settings)
    store = Store.of(settings)
    try:
        write(store, settings, job)
    finally:
        store.close()
