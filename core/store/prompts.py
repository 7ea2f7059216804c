"""Prompts: submitted, claimed for routing, decided or failed, and read back by their owner."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, insert, literal, select, update

from core import metrics, queues
from core.errors import NotFoundError
from core.queues import WorkClass
from core.schemas.conversation import Message, Sampling
from core.schemas.files import Once
from core.schemas.views import PromptView
from core.schemas.work import (
    Claim,
    Dispatch,
    Failure,
    Routed,
    RoutingItem,
    Submission,
    Submitted,
)
from core.store import comparisons, endings, leases, origins, reading, submitting
from core.store.database import Database, given, now
from core.tables import BATCH, DECISION, GENERATION, PROMPT, TERMINAL, State

#: States of a prompt that has ended without an answer.
UNANSWERED: Final = (State.FAILED, State.CANCELLED, State.EXPIRED)


class Prompts:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, submission: Submission, once: Once | None = None) -> Submitted:
        """Store a batch and its prompts; the caller sends the messages after this has returned."""
        with self._database.write(durable=True) as connection:
            stored = submitting.store(connection, submission, once)
        metrics.PROMPTS_SUBMITTED.labels(stored.work_class).inc(len(stored.ids))
        return stored

    def claim(
        self, ids: Collection[int], owner: str, lease_s: float, *, deaths_below: int = leases.ANY
    ) -> list[RoutingItem]:
        """Lease prompts that wait to be routed, but for those that have seen so many deaths."""
        with self._database.write() as connection:
            found = leases.claim(connection, PROMPT, ids, owner, lease_s, deaths_below=deaths_below)
            claims = {claim.id: claim for claim in found}
            rows = connection.execute(
                select(PROMPT, BATCH.c.collect, (now() - PROMPT.c.created_at).label("waited_s"), *origins.COLUMNS)
                .join(BATCH, BATCH.c.id == PROMPT.c.batch_id)
                .where(PROMPT.c.id.in_(claims))
                .order_by(PROMPT.c.id)
            )
            return [_routing_item(row, claims[row.id]) for row in rows]

    def decide(self, routed: Sequence[Routed], full: Collection[str] = ()) -> list[Dispatch]:
        """Store decisions and pending generations of those prompts whose claim holds; what is now to be sent.

        With them go the comparisons that were asked for, once each. The rows count as sent already: when the sender
        dies before it does, recovery finds them unclaimed. Those for a queue that is `full` stay unsent.
        """
        with self._database.write() as connection:
            holding = leases.held(connection, PROMPT, (one.claim for one in routed))
            kept = [one for one in routed if one.claim.id in holding]
            if not kept:
                return []
            decisions = given(connection, DECISION, [_decision_row(one) for one in kept])
            columns = [column.name for column in decisions.c]
            connection.execute(insert(DECISION).from_select([*columns, "created_at"], select(decisions, now())))
            routed_to = given(
                connection, PROMPT, [{"row": one.claim.id, "generations_open": len(one.experts)} for one in kept]
            )
            connection.execute(
                update(PROMPT)
                .where(PROMPT.c.id == routed_to.c.row)
                .values(
                    state=State.ROUTED,
                    lease_owner=None,
                    lease_expires_at=None,
                    generations_open=routed_to.c.generations_open,
                )
            )
            return _insert_generations(connection, kept, full) + comparisons.store(connection, kept)

    def renew(self, ids: Collection[int], owner: str, lease_s: float) -> set[int]:
        """Prolong the leases of claimed prompts; those that still hold."""
        with self._database.write() as connection:
            return leases.renew(connection, PROMPT, ids, owner, lease_s)

    def fail(self, failures: Sequence[Failure]) -> None:
        """End claimed prompts that can't be routed."""
        with self._database.write() as connection:
            endings.fail(connection, PROMPT, failures)

    def give_back(self, claims: Sequence[Claim]) -> None:
        """Return claimed prompts that can't be routed yet, to be tried after a pause."""
        with self._database.write() as connection:
            holding = leases.held(connection, PROMPT, claims)
            leases.give_back(connection, PROMPT, holding, counts=False, later=True)

    def ended(self, names: Collection[str]) -> set[str]:
        """Public ids, of those asked for, that are terminal; one query for all who wait."""
        with self._database.read() as connection:
            found = select(PROMPT.c.public_id).where(PROMPT.c.public_id.in_(names), PROMPT.c.state.in_(TERMINAL))
            return set(connection.execute(found).scalars())

    def get(self, name: str, owner: str) -> PromptView:
        """Everything known of one prompt; NotFoundError when there is none or it is another owner's."""
        return self.get_many([name], owner)[0]

    def get_many(self, names: Sequence[str], owner: str) -> list[PromptView]:
        """The same of many, in the order asked for."""
        mine = (PROMPT.c.public_id.in_(names), PROMPT.c.owner == owner)
        with self._database.read() as connection:
            views = {view.id: view for view in reading.prompts(connection, *mine)}
        missing = [name for name in names if name not in views]
        if missing:
            raise NotFoundError(f"there is no prompt {missing[0]!r}: check the id", param="id")
        return [views[name] for name in names]

    def of_batch(self, batch: str, owner: str, page: int = 500) -> Iterator[list[PromptView]]:
        """A batch's prompts in the order of submission, a page a transaction, so that memory stays bounded."""
        mine = select(BATCH.c.id).where(BATCH.c.public_id == batch, BATCH.c.owner == owner).scalar_subquery()
        return self._pages(PROMPT.c.batch_id == mine, PROMPT.c.line, page)

    def page(
        self, batch: str, owner: str, *, state: State | None = None, after: str | None = None, limit: int
    ) -> list[PromptView]:
        """Some of a batch's prompts in the order of submission, after one of them; or those of them in one state.

        The state is one of `UNANSWERED`, for which there is an index: others may be anywhere among millions.
        """
        with self._database.read() as connection:
            mine = select(BATCH.c.id).where(BATCH.c.public_id == batch, BATCH.c.owner == owner)
            batch_id = connection.execute(mine).scalar_one_or_none()
            if batch_id is None:
                raise NotFoundError(f"there is no batch {batch!r}: check the id", param="id")
            wanted = [PROMPT.c.batch_id == batch_id]
            if after is not None:
                wanted.append(PROMPT.c.line > _line(connection, after, batch_id))
            if state is not None:
                wanted += [_is_unanswered(), leases.has_state(PROMPT, state)]
            found = select(PROMPT.c.id).where(*wanted).order_by(PROMPT.c.line).limit(limit)
            ids = connection.execute(found).scalars().all()
            return reading.prompts(connection, PROMPT.c.id.in_(ids), by=PROMPT.c.line)

    def every(self, owner: str | None = None, page: int = 500) -> Iterator[list[PromptView]]:
        """Prompts that have ended, of one owner or of all, by age."""
        ended = PROMPT.c.state.in_(TERMINAL)
        return self._pages(ended if owner is None else ended & (PROMPT.c.owner == owner), PROMPT.c.id, page)

    def _pages(self, wanted: ColumnElement[bool], by: ColumnElement[int], size: int) -> Iterator[list[PromptView]]:
        after = 0
        while True:
            page = select(PROMPT.c.id, by.label("place")).where(wanted, by > after).order_by(by).limit(size)
            with self._database.read() as connection:
                rows = connection.execute(page).fetchall()
                views = reading.prompts(connection, PROMPT.c.id.in_([row.id for row in rows]), by=by) if rows else []
            if not rows:
                return
            yield views
            after = rows[-1].place


def _is_unanswered() -> ColumnElement[bool]:
    """In the very words of the index over them."""
    return PROMPT.c.state.in_([literal(state.value, literal_execute=True) for state in UNANSWERED])


def _line(connection: Connection, name: str, batch_id: int) -> int:
    found = select(PROMPT.c.line).where(PROMPT.c.public_id == name, PROMPT.c.batch_id == batch_id)
    line = connection.execute(found).scalar_one_or_none()
    if line is None:
        raise NotFoundError(f"after: there is no prompt {name!r} in it: start without it", param="after")
    return int(line)


def _routing_item(row: Row[Any], claim: Claim) -> RoutingItem:  # Any: the columns of two tables
    return RoutingItem(
        claim=claim,
        origin=origins.origin(row),
        messages=tuple(Message.model_construct(**message) for message in row.messages),
        sampling=Sampling.model_validate(row.sampling),
        work_class=WorkClass(row.work_class),
        expert=row.expert,
        collect=tuple(row.collect) if row.collect is not None else None,
        policy=row.policy,
        waited_s=row.waited_s,
    )


def _decision_row(routed: Routed) -> dict[str, Any]:
    return {
        "prompt_id": routed.claim.id,
        "expert": routed.experts[0] if len(routed.experts) == 1 else None,
        "policy": routed.policy,
        "checkpoint_id": routed.checkpoint_id,
        "prediction_kind": routed.prediction_kind,
        "predictions": routed.predictions and {name: _finite(one) for name, one in routed.predictions.items()},
        "route_s": routed.route_s,
        "gathered": routed.gathered,
    }


def _finite(value: float) -> float | None:
    """No JSON has another number."""
    return value if math.isfinite(value) else None


def _insert_generations(connection: Connection, kept: Sequence[Routed], full: Collection[str]) -> list[Dispatch]:
    experts = {one.claim.id: one.experts for one in kept}
    prompts = connection.execute(
        select(PROMPT.c.id, PROMPT.c.batch_id, PROMPT.c.work_class, now().label("at"))
        .where(PROMPT.c.id.in_(experts))
        .order_by(PROMPT.c.id)
    )
    rows = []
    for prompt in prompts:
        for expert in experts[prompt.id]:
            queue = queues.expert_queue(expert, WorkClass(prompt.work_class))
            waits = queue in full
            same = {"batch_id": prompt.batch_id, "work_class": prompt.work_class}
            sent_at = {"sent_at": None if waits else prompt.at}
            rows.append({"prompt_id": prompt.id, "expert": expert, "created_at": prompt.at, **same, **sent_at})
    found = given(connection, GENERATION, rows)
    stored = insert(GENERATION).from_select(list(rows[0]), select(found)).returning(*_SENT)
    by_queue: defaultdict[str, list[int]] = defaultdict(list)
    for row in connection.execute(stored):
        if row.sent_at is not None:
            by_queue[queues.expert_queue(row.expert, WorkClass(row.work_class))].append(row.id)
    return [Dispatch(queue, queues.GENERATE, sorted(ids)) for queue, ids in by_queue.items()]


_SENT = (GENERATION.c.id, GENERATION.c.expert, GENERATION.c.work_class, GENERATION.c.sent_at)
