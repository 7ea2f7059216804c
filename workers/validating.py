"""The steps that read a batch's file: a pass that only looks, then one that stores its lines as prompts.

With a line that can't be taken nothing has run when the batch fails. Where such lines are to be skipped, they are
stored as prompts that have failed, in their place.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from core import metrics, queues
from core.errors import InvalidInputError
from core.schemas.conversation import storable
from core.schemas.files import BatchJob, NewLine
from core.schemas.work import Dispatch
from core.store.failpoints import Point, failpoint
from core.tables import BatchState, Invalid
from workers.lines import LineError, LineReader, Using
from workers.reading_files import SeenIds, Window, windows

#: Errors that a failed batch tells; the first are the ones that help.
MOST_ERRORS: Final = 100

#: Seconds for which one batch is stored before another that waits has its turn.
TURN_S: Final = 10.0


@dataclass(slots=True)
class Found:
    """What the first pass has seen so far."""

    total: int = 0
    referenced: int = 0
    errors: list[LineError] = field(default_factory=list)


def validate(job: BatchJob, using: Using) -> None:
    """Look at every line; the batch then starts, or fails."""
    found = Found()
    for lines, errors, _window in _parsed(job, using, start=0):
        failpoint(Point.VALIDATING_READ)
        found.total += len(lines) + len(errors)
        metrics.LINES.labels("valid").inc(len(lines))
        metrics.LINES.labels("refused").inc(len(errors))
        found.referenced += sum(line.reference is not None for line in lines)
        if job.on_invalid == Invalid.FAIL:
            found.errors += errors
        if len(found.errors) >= MOST_ERRORS or found.total > using.settings.max_lines:
            break
    problems = _problems(found, using)
    if problems:
        refuse(job, problems[:MOST_ERRORS], using)
    else:
        using.store.batch_jobs.start(job, found.total, found.referenced)
        failpoint(Point.VALIDATING_STARTED)


def refuse(job: BatchJob, errors: Sequence[LineError], using: Using) -> None:
    """The batch fails with these, and nothing of it runs."""
    if using.store.batch_jobs.refuse(job, [one.as_json() for one in errors]) is not None:
        metrics.BATCHES.labels(BatchState.FAILED).inc()


def ingest(job: BatchJob, using: Using) -> None:
    """Store what follows the lines that are stored, a window a transaction, and wake up the routing workers."""
    until = float("inf")  # a turn begins with the first window that is stored, however long it took to get there
    # One window is parsed while the one before is stored, which is mostly the database's work.
    with ThreadPoolExecutor(1, "store-lines") as thread:
        before: Future[bool] | None = None
        for lines, errors, window in _parsed(job, using, start=job.stored_bytes):
            if using.settings.order_by_prefix:
                # Routing and generating keep this order, so that what begins alike meets in an engine's prefix cache.
                lines.sort(key=lambda line: line.messages)
            if before is not None and not before.result():
                return  # cancelled, or another's by now
            before = thread.submit(_store, job, using, [*lines, *map(_as_failed, errors)], window.end)
            if until == float("inf"):
                until = time.monotonic() + TURN_S
            elif time.monotonic() >= until and using.store.batch_jobs.any_due():
                break
        if before is not None:
            before.result()


def _store(job: BatchJob, using: Using, lines: list[NewLine], end: int) -> bool:
    """Store a window and send what is to be routed, if there is room; False where the batch is no longer ours."""
    queue = queues.route_queue(job.work_class)
    sent = not using.sender.is_full(queue)
    ids = using.store.batch_jobs.store_lines(job, lines, end, sent=sent)
    failpoint(Point.LINES_STORED)
    if ids and sent:
        using.sender.send([Dispatch(queue, queues.ROUTE, ids)])
    return ids is not None


def _problems(found: Found, using: Using) -> list[LineError]:
    most = using.settings.max_lines
    if found.total > most:
        why = f"the file has more than {most} lines (TOROUTER_MAX_LINES): split it"
        return [LineError(most + 1, None, "too_many_lines", why)]
    if not found.total:
        return [LineError(1, None, "empty_file", "the file has no line: send one request a line")]
    return found.errors


def _parsed(job: BatchJob, using: Using, start: int) -> Iterator[tuple[list[NewLine], list[LineError], Window]]:
    """Windows of the file from `start` on, with what their lines become, and those that can't be taken."""
    reader = using.lines.reader(job)
    key, most = using.store.files.get(str(job.input_file_id), job.owner).key, using.settings.batch_window
    # A file of which nothing may be skipped has no id twice, once it has been validated.
    looks = job.state == BatchState.VALIDATING or job.on_invalid == Invalid.SKIP
    with using.store.blobs.reading(key) as file, closing(SeenIds()) as ids:
        seen = ids if looks else None
        for window in windows(file, 0, most, stop=start) if seen else ():
            using.check(job)
            _parse(window, reader, seen)  # only for its ids
        for window in windows(file, start, most):
            using.check(job)
            yield *_parse(window, reader, seen), window


def _parse(window: Window, reader: LineReader, seen: SeenIds | None) -> tuple[list[NewLine], list[LineError]]:
    lines: list[NewLine] = []
    errors: list[LineError] = []
    for number, raw in window.lines:
        try:
            lines.append(reader.read(number, raw))
        except InvalidInputError as error:
            errors.append(LineError(number, reader.custom_id(raw), error.code, storable(str(error)), param=error.param))
    again = seen.add([line.custom_id or "" for line in lines]) if seen else ()
    for place in sorted(again, reverse=True):
        line = lines.pop(place)
        why = f"custom_id: {line.custom_id!r} is an earlier line's: give each line one of its own"
        errors.append(LineError(line.line, line.custom_id, "duplicate_custom_id", why, param="custom_id"))
    return lines, sorted(errors, key=lambda error: error.line)


def _as_failed(error: LineError) -> NewLine:
    return NewLine(error.line, error.custom_id, error_code=error.code, error_message=error.message)
