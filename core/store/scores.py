"""Scores: claimed by a scoring worker, then done or failed."""

from collections.abc import Collection, Sequence

from sqlalchemy import select, update

from core.queues import WorkClass
from core.schemas.work import Failure, ScoreValue, ScoringItem
from core.store import endings, leases, origins
from core.store.database import Database, given
from core.tables import BATCH, GENERATION, PROMPT, SCORE, State


class Scores:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, ids: Collection[int], owner: str, lease_s: float, *, deaths_below: int = leases.ANY
    ) -> list[ScoringItem]:
        """Lease scores that wait to be computed, but for those that have seen so many deaths."""
        with self._database.write() as connection:
            found = leases.claim(connection, SCORE, ids, owner, lease_s, deaths_below=deaths_below)
            claims = {claim.id: claim for claim in found}
            rows = connection.execute(
                select(
                    *(SCORE.c.id, SCORE.c.work_class, GENERATION.c.expert, GENERATION.c.answer, PROMPT.c.reference),
                    *origins.COLUMNS,
                )
                .join(GENERATION, GENERATION.c.id == SCORE.c.generation_id)
                .join(PROMPT, PROMPT.c.id == GENERATION.c.prompt_id)
                .join(BATCH, BATCH.c.id == SCORE.c.batch_id)
                .where(SCORE.c.id.in_(claims))
                .order_by(SCORE.c.id)
            )
            return [
                ScoringItem(
                    claim=claims[row.id],
                    origin=origins.origin(row),
                    work_class=WorkClass(row.work_class),
                    expert=row.expert,
                    answer=row.answer,
                    reference=row.reference,
                )
                for row in rows
            ]

    def finish(self, values: Sequence[ScoreValue]) -> None:
        """Store values whose claim still holds."""
        with self._database.write() as connection:
            holding = leases.held(connection, SCORE, (value.claim for value in values))
            rows = [{"row": one.claim.id, "value": one.value} for one in values if one.claim.id in holding]
            if not rows:
                return
            found = given(connection, SCORE, rows)
            scored = leases.ended(State.DONE) | {"value": found.c.value}
            connection.execute(update(SCORE).where(SCORE.c.id == found.c.row).values(scored))
            endings.after_scores(connection, holding)

    def renew(self, ids: Collection[int], owner: str, lease_s: float) -> set[int]:
        """Prolong the leases of claimed scores; those that still hold."""
        with self._database.write() as connection:
            return leases.renew(connection, SCORE, ids, owner, lease_s)

    def fail(self, failures: Sequence[Failure]) -> None:
        """End scores that can't be computed."""
        with self._database.write() as connection:
            endings.fail(connection, SCORE, failures)

    def retry(self, failures: Sequence[Failure], max_attempts: int) -> None:
        """Give back what may succeed another time, and fail what has had its attempts."""
        with self._database.write() as connection:
            endings.retry(connection, SCORE, failures, max_attempts)
