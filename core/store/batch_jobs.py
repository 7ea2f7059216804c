"""Batches as work: read in, ended, written out. One process at a time moves a batch on, by a lease.

Whoever holds it does a step and says so; where the lease was lost meanwhile, nothing is written.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, false, func, insert, or_, select, update

from core import metrics
from core.queues import WorkClass
from core.schemas.files import BatchJob, NewFile, NewLine
from core.schemas.work import Tally
from core.store import bulk, endings, leases
from core.store.batch_states import is_open
from core.store.database import Database, now
from core.store.files import insert_file
from core.tables import BATCH, GENERATION, PROMPT, WEBHOOK, BatchState, State, public_id

#: How a batch ends that was stopped in the middle, by what its open prompts become.
STOPPED = {State.CANCELLED: BATCH.c.cancelled, State.EXPIRED: BATCH.c.expired}


class BatchJobs:
    """A public method is a transaction. `False` or None: the batch is no longer ours, or not in that state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any_due(self) -> bool:
        """Whether a batch waits for somebody to move it on."""
        with self._database.read() as connection:
            return connection.execute(select(BATCH.c.id).where(_due()).limit(1)).one_or_none() is not None

    def claim(self, owner: str, lease_s: float) -> BatchJob | None:
        """Lease the batch that has waited longest for somebody to move it on; None where none waits."""
        with self._database.write() as connection:
            waiting = (
                select(BATCH.c.id)
                .where(_due())
                .order_by(BATCH.c.fence, BATCH.c.id)
                .limit(1)
                .with_for_update(skip_locked=True, key_share=True)
            )
            claimed = (
                update(BATCH)
                .where(BATCH.c.id == waiting.scalar_subquery())
                .values(fence=BATCH.c.fence + 1, lease_owner=owner, lease_expires_at=now() + lease_s)
                .returning(BATCH, _late().label("is_late"))
            )
            row = connection.execute(claimed).one_or_none()
            return None if row is None else _job(row)

    def renew(self, ids: Collection[int], owner: str, lease_s: float) -> set[int]:
        """Prolong the leases of claimed batches; those that still hold."""
        with self._database.write() as connection:
            held = update(BATCH).where(BATCH.c.id.in_(ids), BATCH.c.lease_owner == owner)
            prolonged = held.values(lease_expires_at=now() + lease_s).returning(BATCH.c.id)
            return set(connection.execute(prolonged).scalars())

    def release(self, job: BatchJob) -> None:
        """Let another look at it, or this one again."""
        with self._database.write() as connection:
            connection.execute(update(BATCH).where(_ours(job)).values(lease_owner=None, lease_expires_at=None))

    def start(self, job: BatchJob, total: int, referenced: int) -> bool:
        """It has been validated: so many lines, and so many of them with a reference."""
        return self._move(
            job, BatchState.VALIDATING, state=BatchState.IN_PROGRESS, total=total, referenced=referenced,
            in_progress_at=now(),
        )  # fmt: skip

    def refuse(self, job: BatchJob, errors: Sequence[dict[str, Any]]) -> BatchState | None:  # Any: JSON
        """It can't be taken, and nothing of it has run."""
        with self._database.write(durable=True) as connection:
            return _end(connection, job, (BatchState.VALIDATING,), BatchState.FAILED, errors=list(errors))

    def store_lines(
        self, job: BatchJob, lines: Sequence[NewLine], stored_bytes: int, *, sent: bool
    ) -> list[int] | None:
        """Store the next lines as prompts, and that the file has been read so far; ids of those to be routed."""
        with self._database.write(durable=True) as connection:
            ids = bulk.insert_lines(connection, job, lines, sent=sent)
            # Last, since whoever counts an answer waits for this row.
            if _lock(connection, job) != BatchState.IN_PROGRESS:
                connection.rollback()
                return None
            read = {"stored_lines": BATCH.c.stored_lines + len(lines), "stored_bytes": stored_bytes}
            connection.execute(update(BATCH).where(BATCH.c.id == job.id).values(read))
            changes = endings.tallies()
            changes[job.id].failed += len(lines) - len(ids)
            endings.settle(connection, changes)
        metrics.PROMPTS_SUBMITTED.labels(job.work_class).inc(len(lines))
        return ids

    def stop_prompts(self, job: BatchJob, state: State, after_line: int, limit: int) -> int | None:
        """End those of a page of prompts that are not routed yet; the page's last line, None where there is none."""
        with self._database.write() as connection:
            page = select(PROMPT.c.id, PROMPT.c.line).where(PROMPT.c.batch_id == job.id, PROMPT.c.line > after_line)
            rows = connection.execute(page.order_by(PROMPT.c.line).limit(limit)).fetchall()
            waiting = PROMPT.c.state.in_(leases.OPEN)
            these = select(PROMPT.c.id).where(PROMPT.c.id.in_([row.id for row in rows]), waiting).order_by(PROMPT.c.id)
            ids = connection.execute(these.with_for_update(key_share=True)).scalars().all()
            if ids:
                leases.stop(connection, PROMPT, ids, state)
                endings.after_prompts(connection, ids)
            return rows[-1].line if rows else None

    def stop_generations(self, job: BatchJob, state: State, limit: int) -> int:
        """End so many of the generations that are open; how many there were."""
        with self._database.write() as connection:
            still = or_(*(leases.has_state(GENERATION, one) for one in leases.OPEN))
            these = select(GENERATION.c.id).where(GENERATION.c.batch_id == job.id, still).order_by(GENERATION.c.id)
            ids = connection.execute(these.limit(limit).with_for_update(key_share=True)).scalars().all()
            if ids:
                leases.stop(connection, GENERATION, ids, state)
                endings.after_generations(connection, ids, endings.tallies())
            return len(ids)

    def stop_rest(self, job: BatchJob, state: State) -> None:
        """Count the lines that were never read as what the open prompts have become; nothing may be open."""
        with self._database.write() as connection:
            if _lock(connection, job) is None:
                return
            counted = BATCH.c.done + BATCH.c.failed + BATCH.c.cancelled + BATCH.c.expired
            column = STOPPED[state]
            rest = {column.name: column + BATCH.c.total - counted}
            connection.execute(update(BATCH).where(BATCH.c.id == job.id).values(rest))
            endings.settle(connection, {job.id: Tally()})

    def finish(self, job: BatchJob, output: NewFile | None, errors: NewFile | None) -> BatchState | None:
        """It has ended, and its files are written: completed, or whatever stopped it."""
        with self._database.write(durable=True) as connection:
            ended = case(
                (BATCH.c.cancelling_at.is_not(None), BatchState.CANCELLED.value),
                (BATCH.c.expired > 0, BatchState.EXPIRED.value),
                else_=BatchState.COMPLETED.value,
            )
            names = {}
            for column, new in (("output_file_id", output), ("error_file_id", errors)):
                if new is not None:
                    names[column] = public_id("file")
                    insert_file(connection, job.owner, new, names[column])
            state = _end(connection, job, (BatchState.FINALIZING, BatchState.CANCELLING), ended, **names)
            if state is None:
                connection.rollback()
            return state

    def _move(self, job: BatchJob, before: BatchState, **values: Any) -> bool:  # Any: a value of each column
        with self._database.write(durable=True) as connection:
            if _lock(connection, job) != before:
                return False
            connection.execute(update(BATCH).where(BATCH.c.id == job.id).values(values))
            return True


def _due() -> ColumnElement[bool]:
    """What somebody has to do something about, and nobody does."""
    columns = BATCH.c
    from_file = columns.input_file_id.is_not(None)
    reads = and_(columns.state == BatchState.IN_PROGRESS, or_(columns.stored_lines < columns.total, _late()))
    writes = and_(columns.state == BatchState.FINALIZING, or_(columns.scores_open == 0, _late()))
    wanted = or_(
        columns.state == BatchState.CANCELLING,
        and_(from_file, or_(columns.state == BatchState.VALIDATING, reads, writes)),
    )
    free = or_(columns.lease_expires_at.is_(None), columns.lease_expires_at < now())
    return and_(is_open(), free, wanted)


def _late() -> ColumnElement[bool]:
    return func.coalesce(BATCH.c.deadline_at < now(), false())


def _ours(job: BatchJob) -> ColumnElement[bool]:
    return and_(BATCH.c.id == job.id, BATCH.c.fence == job.fence)


def _lock(connection: Connection, job: BatchJob) -> str | None:
    """The batch's state, locked; None where another process has it by now."""
    mine = select(BATCH.c.state).where(_ours(job)).with_for_update(key_share=True)
    return connection.execute(mine).scalar_one_or_none()


def _end(
    connection: Connection, job: BatchJob, before: Collection[BatchState], state: Any, **values: Any
) -> BatchState | None:  # Any: SQL, and a value of each column
    """Make it terminal, and leave the call that whoever asked for one is to get; the state that it then has."""
    ended = (
        update(BATCH)
        .where(_ours(job), BATCH.c.state.in_(before))
        .values(state=state, finished_at=now(), lease_owner=None, lease_expires_at=None, **values)
        .returning(BATCH.c.state, BATCH.c.webhook_url)
    )
    row = connection.execute(ended).one_or_none()
    if row is not None and row.webhook_url is not None:
        call = {"public_id": public_id("evt"), "batch_id": job.id, "url": row.webhook_url}
        connection.execute(insert(WEBHOOK).values(created_at=now(), event=f"batch.{row.state}", **call))
    return None if row is None else BatchState(row.state)


def _job(row: Row[Any]) -> BatchJob:  # Any: the columns of the table
    return BatchJob(
        work_class=WorkClass(row.work_class),
        collect=tuple(row.collect) if row.collect is not None else None,
        **{name: getattr(row, name) for name in BatchJob.__slots__ if name not in {"work_class", "collect"}},
    )
