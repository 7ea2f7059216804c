"""Trained routers: their files in the file store, their rows here; the one promoted last is the one that routes."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text, update

from core.errors import CheckpointError, NotFoundError
from core.schemas.views import CheckpointView
from core.store import reading
from core.store.blobs import Blobs
from core.store.database import Database, now
from core.store.failpoints import Point, failpoint
from core.tables import CHECKPOINT, public_id

#: Whoever holds this PostgreSQL advisory lock looks at what routes, and replaces it.
PROMOTION_LOCK = 0x70726F  # "pro"


class Checkpoints:
    """A public method is a transaction."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs

    def add(self, folder: Path, manifest: dict[str, Any]) -> CheckpointView:
        """Keep a checkpoint's folder and row; `manifest` names its `kind` and `experts`."""
        name = public_id("checkpoint")
        key = f"checkpoints/{name}"
        self._blobs.put(folder, key)
        failpoint(Point.CHECKPOINT_PUT)
        row = {
            "public_id": name,
            "key": key,
            "router": manifest["kind"],
            "experts": manifest["experts"],
            "manifest": manifest,
        }
        with self._database.write(durable=True) as connection:
            stored = insert(CHECKPOINT).values(created_at=now(), **row).returning(CHECKPOINT)
            return reading.checkpoint(connection.execute(stored).one())

    def get(self, name: str) -> CheckpointView:
        """One checkpoint, promoted or not; NotFoundError when there is none."""
        with self._database.read() as connection:
            found = select(CHECKPOINT).where(CHECKPOINT.c.public_id == name)
            return _view(connection.execute(found).one_or_none(), name)

    def promote(self, name: str, verdict: dict[str, Any] | None = None) -> CheckpointView:
        """Make it the one that routes, whichever does, and keep the verdict."""
        with self._database.write(durable=True) as connection:
            return _promote(connection, name, verdict)

    def replace(self, current: str | None, name: str, verdict: dict[str, Any]) -> CheckpointView:
        """The same, if `current` (None: no checkpoint) is still the one that routes; CheckpointError if it isn't.

        Of several that were judged against the same checkpoint, one replaces it.
        """
        with self._database.write(durable=True) as connection:
            if connection.dialect.name == "postgresql":  # elsewhere writers take turns
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PROMOTION_LOCK})
            routing = _promoted(connection)
            found = None if routing is None else routing.public_id
            if found != current:
                raise CheckpointError(
                    f"{name} was judged against {current or 'no router'}, and {found} routes by now: judge it again"
                )
            return _promote(connection, name, verdict)

    def promoted(self) -> CheckpointView | None:
        """The one that routes; None when none was ever promoted."""
        with self._database.read() as connection:
            row = _promoted(connection)
        return None if row is None else reading.checkpoint(row)

    def fetch(self, checkpoint: CheckpointView, cache: Path) -> Path:
        """Its folder on this machine, fetched once; processes that fetch it together do not disturb each other."""
        folder = cache / checkpoint.key
        if folder.exists():
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix="part-"))
        try:
            self._blobs.fetch(checkpoint.key, part)
            with suppress(OSError):  # another process was faster
                part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return folder


def _promote(connection: Connection, name: str, verdict: dict[str, Any] | None) -> CheckpointView:
    promoted = update(CHECKPOINT).where(CHECKPOINT.c.public_id == name).values(promoted_at=now(), verdict=verdict)
    return _view(connection.execute(promoted.returning(CHECKPOINT)).one_or_none(), name)


def _promoted(connection: Connection) -> Row[Any] | None:  # Any: the columns of the table
    latest = select(CHECKPOINT).where(CHECKPOINT.c.promoted_at.is_not(None))
    return connection.execute(latest.order_by(CHECKPOINT.c.promoted_at.desc()).limit(1)).one_or_none()


def _view(row: Row[Any] | None, name: str) -> CheckpointView:  # Any: as above
    if row is None:
        raise NotFoundError(f"there is no checkpoint {name!r}", param="checkpoint")
    return reading.checkpoint(row)
