"""Move batches that came as files on, a step at a time: validate, store, stop, write.

What is to be done is seen in the table, and who does it holds the batch's lease; no message is needed for a few batches
(docs/decisions/0012).
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from core.errors import NotFoundError, StoreError
from core.schemas.files import BatchJob
from core.schemas.work import Claim
from core.store.failpoints import Point, failpoint
from core.tables import BatchState, State
from workers import tracing
from workers.finalizing import write
from workers.lines import LineError, StepInterruptedError, Using
from workers.stopping import stop
from workers.validating import ingest, refuse, validate

log = logging.getLogger(__name__)

#: What is done for a batch in each state, as its trace names it.
SPANS: dict[str, str] = {
    BatchState.VALIDATING: "validate",
    BatchState.IN_PROGRESS: "store lines",
    BatchState.CANCELLING: "stop",
    BatchState.FINALIZING: "finalize",
}


def run(using: Using) -> None:
    """Advance what waits, several batches at once, until it is told to stop; what is at work then leaves off."""
    free = threading.Semaphore(using.settings.batch_threads)
    with ThreadPoolExecutor(using.settings.batch_threads, "batch") as threads:
        while not using.stopping.wait(using.settings.batch_poll_s):
            while _waits(using) and free.acquire(timeout=1.0):
                threads.submit(_advance, using, free)


def _waits(using: Using) -> bool:
    if using.stopping.is_set():
        return False
    try:
        return using.store.batch_jobs.any_due()
    except StoreError as error:
        log.warning("can't see which batches wait: %s", error)
        return False


def _advance(using: Using, free: threading.Semaphore) -> None:
    """The outermost loop of its thread: whatever fails is looked at again when its lease has expired."""
    batch = "a batch"
    try:
        job = claim(using)
        if job is not None:
            batch = job.public_id
            advance(job, using)
    except StoreError as error:
        log.warning("%s waits for the database: %s", batch, error)
    except Exception:
        log.exception("%s can't be moved on; trying again when its lease has expired", batch)
    finally:
        free.release()


def claim(using: Using) -> BatchJob | None:
    """The batch that has waited longest, which is ours for a while; None where none waits."""
    return using.store.batch_jobs.claim(using.leases.owner, using.leases.lease_s)


def advance(job: BatchJob, using: Using) -> None:
    """Do one step for a claimed batch, and let go of it.

    After an error the lease stays until it expires, so that what fails again and again does so at leisure.
    """
    failpoint(Point.BATCH_CLAIMED)
    late = job.is_late and job.state == BatchState.IN_PROGRESS
    name = SPANS[BatchState.CANCELLING if late else job.state]
    span = tracing.step(name, job.traceparent, {tracing.BATCH: job.public_id})
    with using.leases.holding([Claim(job.id, job.fence)]), span, suppress(StepInterruptedError):
        _step(job, using)
    failpoint(Point.BATCH_STEPPED)
    using.store.batch_jobs.release(job)


def _step(job: BatchJob, using: Using) -> None:
    match job.state:
        case BatchState.VALIDATING:
            _validate(job, using)
        case BatchState.CANCELLING:
            stop(job, State.CANCELLED, using)
            write(job, using)
        case BatchState.IN_PROGRESS if job.is_late:
            stop(job, State.EXPIRED, using)
        case BatchState.IN_PROGRESS:
            _ingest(job, using)
        case BatchState.FINALIZING:
            write(job, using)


def _validate(job: BatchJob, using: Using) -> None:
    if job.is_late:
        late = LineError(1, None, "batch_expired", "the completion window ended before the file was validated")
        refuse(job, [late], using)
        return
    try:
        validate(job, using)
    except NotFoundError as error:
        gone = LineError(1, None, "file_not_found", f"{job.input_file_id} can't be read any more: {error}")
        refuse(job, [gone], using)


def _ingest(job: BatchJob, using: Using) -> None:
    """A batch whose file is gone has its answers so far, and is cancelled."""
    try:
        ingest(job, using)
    except NotFoundError as error:
        log.warning("%s is cancelled, since its file can't be read any more: %s", job.public_id, error)
        using.store.batches.cancel(job.public_id, job.owner)
