"""API keys: made, found by the digest of their secret, revoked."""

import logging
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from core.errors import ConflictError, InvalidInputError, NotFoundError, StoreError
from core.schemas.keys import NAME, KeyView, Limits, NewKey, Scope
from core.store.database import Database, now
from core.tables import API_KEY, OURS, public_id

log = logging.getLogger(__name__)

#: That a key was used is written down so often at most.
USED_EVERY_S = 60.0


class Keys:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewKey, digest: str) -> KeyView:
        """A key whose secret has this digest. InvalidInputError for names that can't be."""
        _check(new)
        name, limits = public_id("key"), new.limits
        row = {
            "public_id": name,
            "digest": digest,
            "name": new.name,
            "owner": new.owner or name,
            "scopes": sorted(new.scopes),
            "requests_per_minute": limits.requests_per_minute,
            "concurrent_requests": limits.concurrent_requests,
            "open_prompts": limits.open_prompts,
        }
        expires = None if new.expires_in_s is None else now() + new.expires_in_s
        with self._database.write(durable=True) as connection:
            connection.execute(insert(API_KEY).values(created_at=now(), expires_at=expires, **row))
            return _views(connection, API_KEY.c.public_id == name)[0]

    def active(self, digest: str) -> KeyView | None:
        """The key whose secret has this digest; None where there is none, and where it is revoked or expired."""
        with self._database.read() as connection:
            found = _views(connection, API_KEY.c.digest == digest)
        return found[0] if found and found[0].active else None

    def used(self, name: str) -> None:
        """Write down that a key is in use, unless that was done a moment ago. Nothing depends on it."""
        stale = or_(API_KEY.c.last_used_at.is_(None), API_KEY.c.last_used_at < now() - USED_EVERY_S)
        try:
            with self._database.write() as connection:
                connection.execute(update(API_KEY).where(API_KEY.c.public_id == name, stale).values(last_used_at=now()))
        except StoreError as error:
            log.warning("can't write down that %s is in use: %s", name, error)

    def all(self) -> list[KeyView]:
        """Every key that there ever was, in the order of making."""
        with self._database.read() as connection:
            return _views(connection)

    def revoke(self, which: str) -> KeyView:
        """End a key, by its id or its name, for good; again is the same.

        NotFoundError where there is none, ConflictError where several keys of this name are in use.
        """
        with self._database.write(durable=True) as connection:
            found = _views(connection, or_(API_KEY.c.public_id == which, API_KEY.c.name == which))
            if not found:
                raise NotFoundError(f"there is no key {which[:100]!r}: `torouter keys list` shows them", param="key")
            chosen = [key for key in found if key.revoked_at is None] or found[-1:]
            if len(chosen) > 1:
                ids = ", ".join(key.id for key in chosen)
                raise ConflictError(f"{len(chosen)} keys are called {which!r}: name one by its id: {ids}", param="key")
            mine = API_KEY.c.public_id == chosen[0].id
            connection.execute(update(API_KEY).where(mine, API_KEY.c.revoked_at.is_(None)).values(revoked_at=now()))
            return _views(connection, mine)[0]


def _check(new: NewKey) -> None:
    if not new.scopes:
        raise InvalidInputError(f"scope: is one or more of {', '.join(Scope)}", param="scope")
    for param, name in (("name", new.name), ("owner", new.owner)):
        if name is not None and not NAME.fullmatch(name):
            raise InvalidInputError(
                f"{param}: {name[:40]!r} is not 1 to 100 letters, digits and . _ @ -, beginning with one of the first",
                param=param,
            )
    if new.owner == OURS:
        raise InvalidInputError(
            f"owner: {OURS!r} is who owns what the system asks of itself: take another", param="owner"
        )


def _views(connection: Connection, *which: Any) -> list[KeyView]:  # Any: conditions
    active = API_KEY.c.revoked_at.is_(None) & or_(API_KEY.c.expires_at.is_(None), API_KEY.c.expires_at > now())
    found = select(API_KEY, active.label("active")).where(*which).order_by(API_KEY.c.id)
    return [_view(row) for row in connection.execute(found)]


def _view(row: Row[Any]) -> KeyView:  # Any: columns of the table
    return KeyView(
        id=row.public_id,
        name=row.name,
        owner=row.owner,
        scopes=frozenset(map(Scope, row.scopes)),
        limits=Limits(row.requests_per_minute, row.concurrent_requests, row.open_prompts),
        active=bool(row.active),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
