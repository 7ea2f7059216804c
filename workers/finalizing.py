"""The step that writes a batch's files: answers into one, and whatever has none, with its reason, into the other.

Where lines carried references, the answers are measured before.
"""

import logging
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Final

from core import metrics
from core.errors import NotFoundError
from core.schemas.files import BatchJob, NewFile, OutputRow
from core.store.failpoints import Point, failpoint
from core.tables import BatchState, State
from workers.lines import LineError, StepInterruptedError, Using
from workers.reading_files import windows

log = logging.getLogger(__name__)

#: Prompts that are in memory at once.
PAGE: Final = 2000

PURPOSE: Final = "batch_output"

#: What is said of a line that was cut off.
CUT_OFF: Final = {
    State.CANCELLED: ("batch_cancelled", "This request was not executed before the batch was cancelled."),
    State.EXPIRED: (
        "batch_expired",
        "This request could not be executed before the completion window expired.",
    ),
}


def write(job: BatchJob, using: Using) -> None:
    """Write both files, of which an empty one is none, and end the batch. Twice does no harm."""
    if job.referenced:
        _evaluate(job, using)
    if job.input_file_id is None:
        using.store.batch_jobs.finish(job, None, None)
        return
    keys = {name: f"files/{secrets.token_hex(16)}" for name in ("output", "error")}
    try:
        with ExitStack() as stack:
            output, errors = (stack.enter_context(using.store.blobs.writing(key)) for key in keys.values())
            _write_prompts(job, using, output, errors)
            _write_unread(job, using, errors)
            sizes = output.tell(), errors.tell()
    except BaseException:
        _delete(using, *keys.values())
        raise
    failpoint(Point.OUTPUT_WRITTEN)
    files = [_file(job, name, key, size) for (name, key), size in zip(keys.items(), sizes, strict=True)]
    # Where this fails the rows may say so all the same, as the connection may break after the commit: the files stay,
    # and are swept one day if they are nobody's.
    written = using.store.batch_jobs.finish(job, *files)
    failpoint(Point.OUTPUT_FINISHED)
    _ended(written)
    _delete(using, *(key for key, file in zip(keys.values(), files, strict=True) if not written or file is None))


def _ended(state: BatchState | None) -> None:
    if state is not None:
        metrics.BATCHES.labels(state).inc()


def _evaluate(job: BatchJob, using: Using) -> None:
    """Whatever goes wrong here, the batch ends: its answers are there. An interruption only puts it off."""
    try:
        using.evaluate(job)
    except StepInterruptedError:
        raise
    except Exception:
        log.exception("%s ends without a report", job.public_id)


def _write_prompts(job: BatchJob, using: Using, output: IO[bytes], errors: IO[bytes]) -> None:
    for row in _rows(job, using):
        if row.expert is not None:
            output.write(using.lines.answer(row, job))
        else:
            errors.write(using.lines.error(_error(row)))


def _rows(job: BatchJob, using: Using) -> Iterator[OutputRow]:
    line = 0
    while page := using.store.outputs.page(job, line, PAGE):
        using.check(job)
        yield from page
        failpoint(Point.OUTPUT_PARTLY_WRITTEN)
        line = page[-1].line


def _write_unread(job: BatchJob, using: Using, errors: IO[bytes]) -> None:
    """The lines that had not become prompts when the batch was stopped; of a file that is gone they stay unsaid."""
    if job.stored_lines >= job.total:
        return
    try:
        _write_cut_off(job, using, errors)
    except NotFoundError as error:
        log.warning("%s: the lines that were not read have no line in its error file: %s", job.public_id, error)


def _write_cut_off(job: BatchJob, using: Using, errors: IO[bytes]) -> None:
    code, message = CUT_OFF[State.CANCELLED if job.state == BatchState.CANCELLING else State.EXPIRED]
    reader = using.lines.reader(job)
    key = using.store.files.get(job.input_file_id or "", job.owner).key
    with using.store.blobs.reading(key) as file:
        for window in windows(file, job.stored_bytes, using.settings.batch_window):
            using.check(job)
            for number, raw in window.lines:
                errors.write(using.lines.error(LineError(number, reader.custom_id(raw), code, message)))


def _error(row: OutputRow) -> LineError:
    """A prompt without an answer: it failed, or was cut off, which is no answer to any request."""
    if row.state in CUT_OFF:
        return LineError(row.line, row.custom_id, *CUT_OFF[State(row.state)])
    code, message = row.error_code or row.state, row.error_message or f"the prompt is {row.state}"
    return LineError(row.line, row.custom_id, code, message, prompt_id=row.prompt_id if row.attempts else None)


def _file(job: BatchJob, name: str, key: str, size: int) -> NewFile | None:
    filename = f"{job.public_id}_{name}.jsonl"
    return NewFile(filename, PURPOSE, size, key, job.output_expires_after_s) if size else None


def _delete(using: Using, *keys: str) -> None:
    for key in keys:
        using.store.blobs.delete(key)
