"""Calls to be made of batches that have ended: claimed when they are due, then done, tried again later, or failed."""

from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from core.schemas.files import WebhookCall
from core.schemas.work import Claim
from core.store import leases
from core.store.database import Database, now
from core.tables import BATCH, WEBHOOK, State

#: Each pause is so many times the one before: the first are seconds, for a hiccup, and the last hours.
FACTOR = 4

#: Seconds of the longest pause.
LONGEST_S = 86_400.0


class Webhooks:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, owner: str, lease_s: float, limit: int) -> list[WebhookCall]:
        """Lease so many of the calls that are due, or whose caller fell silent: no recovery brings these back."""
        with self._database.write() as connection:
            silent = leases.abandoned(connection, WEBHOOK, limit)
            if silent:
                leases.give_back(connection, WEBHOOK, silent, counts=True, died=True)
            due = or_(WEBHOOK.c.not_before.is_(None), WEBHOOK.c.not_before <= now())
            waiting = select(WEBHOOK.c.id).where(leases.has_state(WEBHOOK, State.PENDING), due)
            oldest = waiting.order_by(WEBHOOK.c.sent_at, WEBHOOK.c.id).limit(limit)  # in the order of their index
            ids = connection.execute(oldest.with_for_update(skip_locked=True, key_share=True)).scalars().all()
            if not ids:
                return []
            claims = {claim.id: claim for claim in leases.claim(connection, WEBHOOK, ids, owner, lease_s)}
            calls = select(WEBHOOK, BATCH.c.public_id.label("batch"), BATCH.c.traceparent)
            of_batches = calls.join(BATCH, BATCH.c.id == WEBHOOK.c.batch_id).where(WEBHOOK.c.id.in_(claims))
            return [_call(row, claims[row.id]) for row in connection.execute(of_batches.order_by(WEBHOOK.c.id))]

    def finish(self, claim: Claim) -> None:
        """It was delivered. Where the claim holds no longer nothing is written, and another delivers it once more."""
        with self._database.write() as connection:
            if leases.held(connection, WEBHOOK, [claim]):
                _put(connection, claim, state=State.DONE, finished_at=now(), error_code=None, error_message=None)

    def fail_or_retry(self, claim: Claim, code: str, message: str, max_attempts: int, pause_s: float) -> bool:
        """It was not delivered, and why: due again after `pause_s` and ever longer, or failed; whether it is failed."""
        with self._database.write() as connection:
            if not leases.held(connection, WEBHOOK, [claim]):
                return False
            made = select(WEBHOOK.c.attempts).where(WEBHOOK.c.id == claim.id)
            attempts = int(connection.execute(made).scalar_one())
            failed = attempts >= max_attempts
            if failed:
                _put(connection, claim, state=State.FAILED, finished_at=now(), error_code=code, error_message=message)
            else:
                later = now() + min(pause_s * FACTOR ** (attempts - 1), LONGEST_S)
                _put(connection, claim, state=State.PENDING, not_before=later, error_code=code, error_message=message)
            return failed


def _call(row: Row[Any], claim: Claim) -> WebhookCall:  # Any: the columns of two tables
    return WebhookCall(
        claim, row.public_id, row.url, row.event, row.batch, row.created_at, row.attempts, row.traceparent
    )


def _put(connection: Connection, claim: Claim, **values: Any) -> None:  # Any: a value of each column
    """Write what became of a row that is held, and let it go."""
    let_go = {"lease_owner": None, "lease_expires_at": None}
    connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == claim.id).values(**values, **let_go))
