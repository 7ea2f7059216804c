"""The outbox and abandoned leases. Several recoveries may run at once: what one takes, the others skip."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, or_, select, update

from core import queues
from core.errors import UnknownExpertError
from core.schemas.work import Dispatch, Suspect
from core.store import endings, leases
from core.store.database import Database, now
from core.store.experts import count_deaths
from core.store.failpoints import Point, failpoint
from core.store.waiting import ROUTING, SCORING, Waiting, of_expert, pending
from core.tables import EXPERT, GENERATION, LEASED, PROMPT, SCORE, State

#: Rows that one transaction of recovery takes.
BATCH_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """Rows whose worker died or fell silent."""

    pending: int = 0
    failed: int = 0

    def __add__(self, other: "Reclaimed") -> "Reclaimed":
        return Reclaimed(self.pending + other.pending, self.failed + other.failed)


class Recovery:
    """A public method is a transaction a table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reclaim(self, max_attempts: int) -> Reclaimed:
        """Bring back what was leased and abandoned; what was alone with its worker in the end fails."""
        total = Reclaimed()
        for table in LEASED:
            with self._database.write() as connection:
                total += _reclaim(connection, table, max_attempts)
            failpoint(Point.RECOVERY_RECLAIMED)
        return total

    def fail_gone(self) -> int:
        """End what waits for an expert that has left the catalogue; how many rows."""
        with self._database.write() as connection:
            gone = connection.execute(select(EXPERT.c.name).where(~EXPERT.c.enabled)).scalars().all()
            if not gone:
                return 0
            rows = connection.execute(
                select(GENERATION.c.id, GENERATION.c.expert)
                .where(*pending(GENERATION), GENERATION.c.expert.in_(gone))
                .order_by(GENERATION.c.id)
                .limit(BATCH_ROWS)
                .with_for_update(skip_locked=True, key_share=True)
            ).fetchall()
            why = "is no longer in the catalogue: submit again, or put it back first"
            failures = [(row.id, UnknownExpertError.code, f"{row.expert} {why}") for row in rows]
            endings.end(connection, GENERATION, failures)
            return len(failures)

    def unsent(self, room: Callable[[str, str], int] = lambda _queue, _task: BATCH_ROWS) -> list[Dispatch]:
        """Take pending rows that no message is under way for; they count as sent from now on.

        Of each queue as many as there is `room` for, of that task; and never more than `BATCH_ROWS`.
        """
        found: list[Dispatch] = []
        for waiting in self._waiting():
            most = min(BATCH_ROWS, room(waiting.queue, waiting.task))
            if most > 0:
                with self._database.write() as connection:
                    found += _take_unsent(connection, waiting, most)
        return found

    def suspects(self, task: str, ids: Collection[int], deaths: int) -> list[Suspect]:
        """Which of these rows wait for a task and have seen so many deaths or more; by id."""
        columns = _TABLE[task].c
        waiting = columns.id.in_(ids), columns.state == State.PENDING, columns.deaths >= deaths
        with self._database.read() as connection:
            rows = connection.execute(select(columns.id, columns.deaths).where(*waiting).order_by(columns.id))
            return [Suspect(row.id, row.deaths) for row in rows]

    def unsend(self, task: str, ids: Sequence[int]) -> None:
        """The broker did not take these rows of a task, or who did won't get to them: they are unsent again."""
        table = _TABLE[task]
        with self._database.write() as connection:
            for start in range(0, len(ids), BATCH_ROWS):
                page = ids[start : start + BATCH_ROWS]
                still = table.c.id.in_(page), table.c.state == State.PENDING
                connection.execute(update(table).where(*still).values(sent_at=None))

    def stale(self, older_s: float) -> dict[str, float]:
        """Queues that owe work: rows were sent there at least `older_s` seconds ago, and nobody has claimed them.

        For each the seconds since the oldest of these was sent.
        """
        oldest: dict[str, float] = {}
        for waiting in self._waiting():
            with self._database.read() as connection:
                age_s = waiting.oldest_s(connection)
            if age_s is not None and age_s >= older_s:
                oldest[waiting.queue] = age_s
        return oldest

    def resend(self, queue: str, older_s: float) -> int:
        """Make the stale rows of one queue unsent: their messages are lost. How many rows."""
        count = 0
        for waiting in self._waiting():
            if waiting.queue == queue:
                stale = update(waiting.table).where(*waiting.rows, waiting.table.c.sent_at < now() - older_s)
                with self._database.write() as connection:
                    count += connection.execute(stale.values(sent_at=None)).rowcount
        return count

    def _waiting(self) -> list[Waiting]:
        """The queues that rows wait for. Each is found through an index, however many rows wait."""
        with self._database.read() as connection:
            return [*_of_experts(connection), *ROUTING, SCORING]


def _of_experts(connection: Connection) -> Iterator[Waiting]:
    """Of every expert that rows wait for, whether it is in the catalogue or not."""
    expert = ""
    while True:
        following = select(func.min(GENERATION.c.expert)).where(*pending(GENERATION), GENERATION.c.expert > expert)
        found = connection.execute(following).scalar_one()
        if found is None:
            return
        expert = str(found)
        yield from of_expert(expert)


_TABLE = {queues.ROUTE: PROMPT, queues.GENERATE: GENERATION, queues.SCORE: SCORE}


def _reclaim(connection: Connection, table: Table, max_attempts: int) -> Reclaimed:
    rows = leases.abandoned(connection, table, BATCH_ROWS)
    silent = _silent_workers(connection, rows) if table is GENERATION and rows else Counter[str]()
    pending, failed = endings.died(connection, table, rows, max_attempts, "its worker died or fell silent")
    count_deaths(connection, silent)
    return Reclaimed(len(pending), len(failed))


def _silent_workers(connection: Connection, ids: Collection[int]) -> Counter[str]:
    """How many workers of each expert held these generations, and hold no others: each is counted with its last."""
    columns = GENERATION.c
    held = select(columns.expert, columns.lease_owner).where(columns.id.in_(ids)).distinct()
    owners = {(str(row.expert), str(row.lease_owner)) for row in connection.execute(held)}
    others = select(columns.lease_owner).where(
        leases.has_state(GENERATION, State.RUNNING),
        columns.lease_owner.in_({owner for _, owner in owners}),
        columns.id.not_in(ids),
    )
    still = set(connection.execute(others.distinct()).scalars())
    return Counter(expert for expert, owner in owners if owner not in still)


def _take_unsent(connection: Connection, waiting: Waiting, most: int) -> list[Dispatch]:
    columns = waiting.table.c
    due = or_(columns.not_before.is_(None), columns.not_before <= now())
    unsent = (
        select(columns.id)
        .where(*waiting.rows, columns.sent_at.is_(None), due)
        .order_by(columns.id)
        .limit(most)
        .with_for_update(skip_locked=True, key_share=True)
    )
    taken = update(waiting.table).where(columns.id.in_(unsent)).values(sent_at=now())
    ids = sorted(connection.execute(taken.returning(columns.id)).scalars())
    return [Dispatch(waiting.queue, waiting.task, ids)] if ids else []
