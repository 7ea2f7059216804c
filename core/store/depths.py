"""How much waits in each queue, and is under way: by the database, which knows what no message was sent for."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, func, select

from core import queues
from core.schemas.views import QueueView
from core.store import leases
from core.store.database import Database
from core.store.waiting import ROUTING, SCORING, of_expert
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


def _views(connection: Connection, experts: Iterable[str]) -> Iterator[QueueView]:
    [(scored,)] = _held(connection, SCORE)
    running = {
        **{queues.route_queue(one): n for one, n in _held(connection, PROMPT, PROMPT.c.work_class)},
        **{
            queues.expert_queue(expert, one): n
            for expert, one, n in _held(connection, GENERATION, GENERATION.c.expert, GENERATION.c.work_class)
        },
        queues.SCORE_QUEUE: scored,
    }
    for waiting in (*ROUTING, *chain.from_iterable(map(of_expert, experts)), SCORING):
        some = select(waiting.table.c.id).where(*waiting.rows).limit(MOST).subquery()
        yield QueueView(
            queue=waiting.queue,
            waiting=int(connection.execute(select(func.count()).select_from(some)).scalar_one()),
            oldest_s=waiting.oldest_s(connection),
            running=running.get(waiting.queue, 0),
        )


def _held(connection: Connection, table: Table, *by: ColumnElement[Any]) -> Iterable[Any]:  # Any: names, and a count
    """How much workers hold; never more than they have room for."""
    held = select(*by, func.count()).where(leases.has_state(table, State.RUNNING))
    return connection.execute(held.group_by(*by))
