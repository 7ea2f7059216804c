"""Leases, of prompts, generations, scores and webhooks: claim, hold, renew, give back. Functions on a connection.

A claim raises the row's fencing token; whatever comes later with an older token finds nothing to write. Expiry is
judged by the database's clock.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, case, literal, or_, select, update

from core.schemas.work import Claim
from core.store.database import now
from core.tables import State

#: A row that is neither routed nor terminal.
OPEN = (State.PENDING, State.RUNNING)

#: More deaths than any row has seen.
ANY = 2**31 - 1

#: Seconds that work waits at most before it is tried again where there was no room for it.
LONGEST_PAUSE_S = 60


def has_state(table: Table, state: State) -> ColumnElement[bool]:
    """In the very words of the partial indexes, which a bound parameter would not be found to fit."""
    return table.c.state == literal(state.value, literal_execute=True)


def claim(
    connection: Connection, table: Table, ids: Collection[int], owner: str, lease_s: float, *, deaths_below: int = ANY
) -> list[Claim]:
    """Lease those of `ids` that are pending; a second delivery of a message so gets nothing."""
    columns = table.c
    due = or_(columns.not_before.is_(None), columns.not_before <= now())
    statement = (
        update(table)
        .where(columns.id.in_(ids), columns.state == State.PENDING, due, columns.deaths < deaths_below)
        .values(
            state=State.RUNNING,
            fence=columns.fence + 1,
            attempts=columns.attempts + 1,
            lease_owner=owner,
            lease_expires_at=now() + lease_s,
        )
        .returning(columns.id, columns.fence)
    )
    return [Claim(row.id, row.fence) for row in connection.execute(statement)]


def held(connection: Connection, table: Table, claims: Iterable[Claim]) -> set[int]:
    """Ids whose claim still holds, locked in order until the transaction ends."""
    fences = {claim.id: claim.fence for claim in claims}
    columns = table.c
    rows = connection.execute(
        select(columns.id, columns.fence)
        .where(columns.id.in_(fences), columns.state == State.RUNNING)
        .order_by(columns.id)
        .with_for_update(key_share=True)
    )
    return {row.id for row in rows if row.fence == fences[row.id]}


def ended(state: State) -> dict[str, Any]:  # Any: SQL too
    """What every row gets that becomes terminal: nobody holds it any more."""
    return {"state": state, "finished_at": now(), "lease_owner": None, "lease_expires_at": None}


def stop(connection: Connection, table: Table, ids: Collection[int], state: State) -> None:
    """Make locked rows cancelled or expired; whoever works on them finds nothing to write."""
    connection.execute(update(table).where(table.c.id.in_(ids)).values(ended(state)))


def renew(connection: Connection, table: Table, ids: Collection[int], owner: str, lease_s: float) -> set[int]:
    """Prolong what a worker holds and works on, in one statement; the ids of those rows.

    A lease that expired but that nobody took back yet is prolonged too: its fence is unchanged, so its result counts.
    """
    ours = table.c.id.in_(ids), table.c.lease_owner == owner, table.c.state == State.RUNNING
    # By id, as everybody locks them: an UPDATE alone takes rows as it finds them, and meets those who finish.
    locked = select(table.c.id).where(*ours).order_by(table.c.id).with_for_update(key_share=True)
    statement = (
        update(table).where(table.c.id.in_(locked)).values(lease_expires_at=now() + lease_s).returning(table.c.id)
    )
    return set(connection.execute(statement).scalars())


def give_back(
    connection: Connection, table: Table, ids: Collection[int], *, counts: bool, died: bool = False, later: bool = False
) -> None:
    """Make held rows pending and unsent again; `counts` says whether the attempt does, `died` that it was a death.

    `later`: not before a pause, of as many seconds as the row has been claimed times, up to `LONGEST_PAUSE_S`.
    """
    values: dict[str, Any] = dict.fromkeys(("lease_owner", "lease_expires_at", "sent_at"))  # Any: SQL too
    values["state"] = State.PENDING
    if not counts:
        values["attempts"] = table.c.attempts - 1
    if died:
        values["deaths"] = table.c.deaths + 1
    if later:
        values["not_before"] = now() + case((table.c.fence < LONGEST_PAUSE_S, table.c.fence), else_=LONGEST_PAUSE_S)
    connection.execute(update(table).where(table.c.id.in_(ids), table.c.state == State.RUNNING).values(values))


def abandoned(connection: Connection, table: Table, limit: int) -> Sequence[int]:
    """Ids of rows whose lease has expired, locked; rows that another recovery looks at are skipped."""
    columns = table.c
    rows = connection.execute(
        select(columns.id)
        .where(has_state(table, State.RUNNING), columns.lease_expires_at < now())
        .order_by(columns.lease_expires_at, columns.id)  # by id alone, SQLite reads the whole table
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return rows.scalars().all()
