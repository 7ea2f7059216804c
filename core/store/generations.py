"""Generations: claimed by an expert's worker, then done, failed, or given back."""

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, insert, select, update

from core.queues import WorkClass
from core.schemas.conversation import Completion, Message, Sampling, storable
from core.schemas.work import Claim, Failure, GenerationItem, GenerationResult
from core.store import endings, leases, origins
from core.store.database import Database, given, now
from core.tables import BATCH, GENERATION, PROMPT, SCORE, State

#: The one scorer so far; a generation with a reference needs it.
BERTSIM = "bertsim"


class Generations:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, ids: Collection[int], owner: str, lease_s: float, *, deaths_below: int = leases.ANY
    ) -> list[GenerationItem]:
        """Lease generations that wait for their expert, but for those that have seen so many deaths."""
        with self._database.write() as connection:
            found = leases.claim(connection, GENERATION, ids, owner, lease_s, deaths_below=deaths_below)
            claims = {claim.id: claim for claim in found}
            rows = connection.execute(
                select(
                    GENERATION.c.id,
                    GENERATION.c.expert,
                    GENERATION.c.work_class,
                    PROMPT.c.messages,
                    PROMPT.c.sampling,
                    PROMPT.c.reference,
                    PROMPT.c.completion,
                    *origins.COLUMNS,
                )
                .join(PROMPT, PROMPT.c.id == GENERATION.c.prompt_id)
                .join(BATCH, BATCH.c.id == GENERATION.c.batch_id)
                .where(GENERATION.c.id.in_(claims))
                .order_by(GENERATION.c.id)
            )
            return [_item(row, claims[row.id]) for row in rows]

    def finish(self, results: Sequence[GenerationResult]) -> list[int]:
        """Store results whose claim still holds; ids of the scores that are now to be computed."""
        with self._database.write() as connection:
            holding = leases.held(connection, GENERATION, (result.claim for result in results))
            kept = [result for result in results if result.claim.id in holding]
            if not kept:
                return []
            _store(connection, kept)
            changes = endings.tallies()
            scores = _open_scores(connection, holding, changes)
            endings.after_generations(connection, holding, changes)
            return scores

    def renew(self, ids: Collection[int], owner: str, lease_s: float) -> set[int]:
        """Prolong the leases of claimed generations; those that still hold."""
        with self._database.write() as connection:
            return leases.renew(connection, GENERATION, ids, owner, lease_s)

    def fail(self, failures: Sequence[Failure]) -> None:
        """End generations that can never be answered."""
        with self._database.write() as connection:
            endings.fail(connection, GENERATION, failures)

    def retry(self, failures: Sequence[Failure], max_attempts: int) -> None:
        """Give back what may succeed another time, and fail what has had its attempts."""
        with self._database.write() as connection:
            endings.retry(connection, GENERATION, failures, max_attempts)

    def died(self, claims: Sequence[Claim], max_attempts: int, how: str) -> None:
        """The engine died with these in it: they come back as suspects, and what was alone with it in the end fails."""
        with self._database.write() as connection:
            endings.died(connection, GENERATION, leases.held(connection, GENERATION, claims), max_attempts, how)

    def give_back(self, claims: Sequence[Claim], *, later: bool = False) -> None:
        """Return claimed work that was not tried: the worker is ending, or (`later`) the engine is full."""
        with self._database.write() as connection:
            holding = leases.held(connection, GENERATION, claims)
            leases.give_back(connection, GENERATION, holding, counts=False, later=later)


def _item(row: Any, claim: Claim) -> GenerationItem:  # Any: a row of two tables
    return GenerationItem(
        claim=claim,
        origin=origins.origin(row),
        expert=row.expert,
        messages=tuple(Message.model_construct(**message) for message in row.messages),
        sampling=Sampling.model_validate(row.sampling),
        reference=row.reference,
        work_class=WorkClass(row.work_class),
        completion=Completion.model_validate(row.completion) if row.completion is not None else None,
    )


#: Columns of a result; the claim says which row.
_RESULT = tuple(name for name in GenerationResult.__slots__ if name != "claim")


def _store(connection: Connection, results: Sequence[GenerationResult]) -> None:
    rows = []
    for result in results:
        row = asdict(result)
        row["row"] = row.pop("claim")["id"]
        row["answer"] = storable(result.answer)
        for name in ("nll_answer", "nll_reference"):
            if row[name] is not None and not math.isfinite(row[name]):
                row[name] = None  # of a token that could not be: absent, as any other unknown
        rows.append(row)
    found = given(connection, GENERATION, rows)
    values = leases.ended(State.DONE) | {name: found.c[name] for name in _RESULT}
    connection.execute(update(GENERATION).where(GENERATION.c.id == found.c.row).values(values))


def _open_scores(connection: Connection, ids: Collection[int], changes: endings.Tallies) -> list[int]:
    """A pending score for each done generation whose prompt has a reference; they count as sent, as in `decide`."""
    with_reference = connection.execute(
        select(GENERATION.c.id, GENERATION.c.batch_id, GENERATION.c.work_class)
        .join(PROMPT, PROMPT.c.id == GENERATION.c.prompt_id)
        .where(GENERATION.c.id.in_(ids), PROMPT.c.reference.is_not(None))
        .order_by(GENERATION.c.id)
    ).fetchall()
    if not with_reference:
        return []
    for row in with_reference:
        changes[row.batch_id].scores_open += 1
    rows = [
        {"generation_id": row.id, "batch_id": row.batch_id, "work_class": row.work_class, "scorer": BERTSIM}
        for row in with_reference
    ]
    stored = insert(SCORE).values(created_at=now(), sent_at=now()).returning(SCORE.c.id)
    return list(connection.execute(stored, rows).scalars())
