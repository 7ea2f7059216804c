"""The outbox and abandoned leases. Several recoveries may run at once: what one takes, the others skip."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, Update, and_, false, func, or_, select, true, update

from core import queues
from core.errors import UnknownExpertError
from core.queues import WorkClass
from core.schemas.work import Dispatch
from core.store import endings, leases
from core.store.database import Database, now
from core.tables import EXPERT, GENERATION, LEASED, PROMPT, SCORE, State

#: Rows that one transaction of recovery takes.
BATCH_ROWS = 2000

#: From this attempt on a row is sent alone: it may be what killed the worker.
SUSPECT_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """Rows whose worker fell silent."""

    pending: int = 0
    failed: int = 0

    def __add__(self, other: "Reclaimed") -> "Reclaimed":
        return Reclaimed(self.pending + other.pending, self.failed + other.failed)


class Recovery:
    """A public method is a transaction a table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reclaim(self, max_attempts: int) -> Reclaimed:
        """Bring back what was leased and abandoned; what has had its attempts fails."""
        total = Reclaimed()
        for table in LEASED:
            with self._database.write() as connection:
                total += _reclaim(connection, table, max_attempts)
        return total

    def fail_gone(self) -> int:
        """End what waits for an expert that has left the catalogue; how many rows."""
        with self._database.write() as connection:
            gone = connection.execute(select(EXPERT.c.name).where(~EXPERT.c.enabled)).scalars().all()
            if not gone:
                return 0
            rows = connection.execute(
                select(GENERATION.c.id, GENERATION.c.expert)
                .where(GENERATION.c.state == State.PENDING, GENERATION.c.expert.in_(gone))
                .order_by(GENERATION.c.id)
                .limit(BATCH_ROWS)
                .with_for_update(skip_locked=True, key_share=True)
            ).fetchall()
            why = "is no longer in the catalogue: submit again, or put it back first"
            failures = [(row.id, UnknownExpertError.code, f"{row.expert} {why}") for row in rows]
            endings.end(connection, GENERATION, failures)
            return len(failures)

    def unsent(self) -> list[Dispatch]:
        """Take pending rows that no message is under way for; they count as sent from now on."""
        found: list[Dispatch] = []
        for table in LEASED:
            with self._database.write() as connection:
                found += _take_unsent(connection, table)
        return found

    def unsend(self, dispatch: Dispatch) -> None:
        """The broker did not take it: it is unsent again."""
        table = _TABLE[dispatch.task]
        with self._database.write() as connection:
            for start in range(0, len(dispatch.ids), BATCH_ROWS):
                page = dispatch.ids[start : start + BATCH_ROWS]
                pending = table.c.id.in_(page), table.c.state == State.PENDING
                connection.execute(update(table).where(*pending).values(sent_at=None))

    def stale(self, older_s: float) -> dict[str, float]:
        """Queues that owe work: rows were sent there at least `older_s` seconds ago, and nobody has claimed them.

        For each the seconds since the oldest of these was sent.
        """
        oldest: defaultdict[str, float] = defaultdict(float)
        with self._database.read() as connection:
            for table in LEASED:
                for row in connection.execute(_stale(table, older_s)):
                    queue = _queue(table, row)
                    oldest[queue] = max(oldest[queue], row.age_s)
        return dict(oldest)

    def resend(self, queue: str, older_s: float) -> int:
        """Make the stale rows of one queue unsent: their messages are lost. How many rows."""
        with self._database.write() as connection:
            return sum(connection.execute(_forget(table, queue, older_s)).rowcount for table in LEASED)


_TABLE = {queues.ROUTE: PROMPT, queues.GENERATE: GENERATION, queues.SCORE: SCORE}
_TASK = {table: task for task, table in _TABLE.items()}


def _reclaim(connection: Connection, table: Table, max_attempts: int) -> Reclaimed:
    rows = leases.abandoned(connection, table, BATCH_ROWS)
    spent = [id_ for id_, attempts in rows if attempts >= max_attempts]
    again = [id_ for id_, attempts in rows if attempts < max_attempts]
    leases.give_back(connection, table, again, counts=True)
    why = f"its worker died or fell silent on each of {max_attempts} attempts"
    endings.end(connection, table, [(id_, "worker_lost", why) for id_ in spent])
    return Reclaimed(pending=len(again), failed=len(spent))


def _take_unsent(connection: Connection, table: Table) -> list[Dispatch]:
    columns = table.c
    due = or_(columns.not_before.is_(None), columns.not_before <= now())
    unsent = (
        select(columns.id)
        .where(columns.state == State.PENDING, columns.sent_at.is_(None), due)
        .order_by(columns.id)
        .limit(BATCH_ROWS)
        .with_for_update(skip_locked=True, key_share=True)
    )
    taken = update(table).where(columns.id.in_(unsent)).values(sent_at=now())
    by_queue: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
    for row in connection.execute(taken.returning(columns.id, columns.attempts, *_route(table))):
        by_queue[_queue(table, row), row.attempts >= SUSPECT_ATTEMPTS].append(row.id)
    return [Dispatch(queue, _TASK[table], sorted(ids), alone) for (queue, alone), ids in by_queue.items()]


def _stale(table: Table, older_s: float) -> Select[Any]:  # Any: its columns differ by table
    columns = table.c
    return (
        select(*_route(table), (now() - func.min(columns.sent_at)).label("age_s"))
        .where(columns.state == State.PENDING, columns.sent_at < now() - older_s)
        .group_by(*_route(table))
    )


def _forget(table: Table, queue: str, older_s: float) -> Update:
    columns = table.c
    return (
        update(table)
        .where(columns.state == State.PENDING, columns.sent_at < now() - older_s, _belongs(table, queue))
        .values(sent_at=None)
    )


def _route(table: Table) -> list[Any]:  # Any: columns
    """The columns that say which queue a row belongs to."""
    return [table.c.work_class, *([table.c.expert] if table is GENERATION else [])]


def _queue(table: Table, row: Any) -> str:  # Any: a row of the columns of `_route`
    if table is PROMPT:
        return queues.route_queue(WorkClass(row.work_class))
    if table is GENERATION:
        return queues.expert_queue(row.expert, WorkClass(row.work_class))
    return queues.SCORE_QUEUE


def _belongs(table: Table, queue: str) -> ColumnElement[bool]:
    """The opposite of `_queue`: which rows of a table belong to `queue`."""
    columns = table.c
    match queue.split("."):
        case ["route", work_class] if table is PROMPT:
            return columns.work_class == work_class
        case ["expert", expert, work_class] if table is GENERATION:
            return and_(columns.expert == expert, columns.work_class == work_class)
        case [queues.SCORE_QUEUE] if table is SCORE:
            return true()
    return false()
