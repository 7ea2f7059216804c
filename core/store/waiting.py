"""Which rows wait for which queue: each found through an index, however many there are. Functions on a connection."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, select

from core import queues
from core.queues import WorkClass
from core.store import leases
from core.store.database import now
from core.tables import GENERATION, PROMPT, SCORE, State


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue, its task, and which rows of which table wait for it."""

    queue: str
    task: str
    table: Table
    rows: tuple[ColumnElement[bool], ...]

    def oldest_s(self, connection: Connection) -> float | None:
        """Seconds since the first of those was sent that were; None where none was."""
        sent_at = self.table.c.sent_at
        first = select((now() - sent_at).label("age_s")).where(*self.rows, sent_at.is_not(None)).order_by(sent_at)
        return connection.execute(first.limit(1)).scalar_one_or_none()


def pending(table: Table, **columns: str) -> tuple[ColumnElement[bool], ...]:
    """Rows that wait, and these columns of theirs."""
    return (leases.has_state(table, State.PENDING), *(table.c[name] == value for name, value in columns.items()))


#: To be routed, and to be scored.
ROUTING: Final = tuple(
    Waiting(queues.route_queue(one), queues.ROUTE, PROMPT, pending(PROMPT, work_class=one)) for one in WorkClass
)
SCORING: Final = Waiting(queues.SCORE_QUEUE, queues.SCORE, SCORE, pending(SCORE))


def of_expert(expert: str) -> list[Waiting]:
    """To be answered by it."""
    return [
        Waiting(
            queues.expert_queue(expert, one),
            queues.GENERATE,
            GENERATION,
            pending(GENERATION, expert=expert, work_class=one),
        )
        for one in WorkClass
    ]
