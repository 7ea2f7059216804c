"""How much waits in each queue, and is under way: by the database, which knows what no message was sent for."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, func, select

from core import queues
from core.queues import WorkClass
from core.schemas.views import QueueView
from core.store import leases
from core.store.database import Database, now
from core.tables import EXPERT, GENERATION, PROMPT, SCORE, State

#: Rows that are counted of one queue at most: there may be millions, and an operator asks every few seconds.
MOST: Final = 10_000


class Depths:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[QueueView]:
        """Of every queue: to be routed, to be answered by each expert of the catalogue, to be scored."""
        with self._database.read() as connection:
            experts = connection.execute(select(EXPERT.c.name).order_by(EXPERT.c.name)).scalars().all()
            return list(_views(connection, experts))


def _views(connection: Connection, experts: Any) -> Iterator[QueueView]:  # Any: names
    routed = _running(connection, PROMPT, PROMPT.c.work_class)
    generated = _running(connection, GENERATION, GENERATION.c.expert, GENERATION.c.work_class)
    scored = _running(connection, SCORE)
    for one in WorkClass:
        yield _view(connection, queues.route_queue(one), PROMPT, routed.get((one,), 0), work_class=one)
    for expert in experts:
        for one in WorkClass:
            name, running = queues.expert_queue(expert, one), generated.get((expert, one), 0)
            yield _view(connection, name, GENERATION, running, expert=expert, work_class=one)
    yield _view(connection, queues.SCORE_QUEUE, SCORE, scored.get((), 0))


def _view(connection: Connection, queue: str, table: Table, running: int, **where: str) -> QueueView:
    waits = [leases.has_state(table, State.PENDING), *(table.c[name] == value for name, value in where.items())]
    some = select(table.c.id).where(*waits).limit(MOST).subquery()
    sent = select(now() - table.c.sent_at).where(*waits, table.c.sent_at.is_not(None)).order_by(table.c.sent_at)
    return QueueView(
        queue=queue,
        waiting=int(connection.execute(select(func.count()).select_from(some)).scalar_one()),
        oldest_s=connection.execute(sent.limit(1)).scalar_one_or_none(),
        running=running,
    )


def _running(connection: Connection, table: Table, *by: ColumnElement[Any]) -> dict[tuple[Any, ...], int]:
    """How much workers hold; never more than they have room for. Any: names."""
    held = select(*by, func.count().label("n")).where(leases.has_state(table, State.RUNNING))
    counts = connection.execute(held.group_by(*by))
    return {tuple(row[:-1]): row.n for row in counts}
