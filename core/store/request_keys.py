"""Requests that come twice make one thing. Functions on a connection."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, select

from core.errors import InvalidInputError
from core.schemas.files import Once
from core.store.database import insert_or_ignore, now
from core.tables import REQUEST_KEY


def first(connection: Connection, owner: str, once: Once | None, new: str) -> str:
    """`new`, or what an earlier request with the same key made; InvalidInputError where that asked something else.

    To be called before anything is inserted: a second request at the same time waits for the first one's end.
    """
    if once is None:
        return new
    row = {"owner": owner, "key": once.key, "digest": once.digest, "made": new}
    stored = insert_or_ignore(connection, REQUEST_KEY).values(created_at=now(), **row)
    # Not the count of rows, which SQLAlchemy does not keep of an INSERT.
    if connection.execute(stored.returning(REQUEST_KEY.c.made)).scalar_one_or_none() is not None:
        return new
    return made(connection, owner, once) or new


def made(connection: Connection, owner: str, once: Once) -> str | None:
    """What an earlier request with the same key made, None for the first; InvalidInputError as `first`'s."""
    mine = select(REQUEST_KEY).where(REQUEST_KEY.c.owner == owner, REQUEST_KEY.c.key == once.key)
    earlier = connection.execute(mine).one_or_none()
    if earlier is None:
        return None
    if earlier.digest != once.digest:
        raise InvalidInputError(
            f"Idempotency-Key {once.key[:100]!r} was used for another request: use a new key for each",
            param="Idempotency-Key",
            code="idempotency_key_reused",
        )
    return str(earlier.made)


def forget_made(connection: Connection, names: Collection[str]) -> None:
    """What these requests made is gone."""
    connection.execute(delete(REQUEST_KEY).where(REQUEST_KEY.c.made.in_(names)))


def forget(connection: Connection, older_s: float) -> None:
    """Keys are kept so long."""
    connection.execute(delete(REQUEST_KEY).where(REQUEST_KEY.c.created_at < now() - older_s))
