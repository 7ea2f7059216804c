"""Trained routers: their files in the file store, their rows here; the one promoted last is the one that routes."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from core.errors import NotFoundError
from core.schemas.views import CheckpointView
from core.store import reading
from core.store.database import Database, now
from core.store.files import Files
from core.tables import CHECKPOINT, public_id


class Checkpoints:
    """A public method is a transaction."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files

    def add(self, folder: Path, manifest: dict[str, Any]) -> CheckpointView:
        """Keep a checkpoint's folder and row; `manifest` names its `kind` and `experts`."""
        name = public_id("checkpoint")
        key = f"checkpoints/{name}"
        self._files.put(folder, key)
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

    def promote(self, name: str) -> CheckpointView:
        """Make it the one that routes."""
        with self._database.write(durable=True) as connection:
            promoted = update(CHECKPOINT).where(CHECKPOINT.c.public_id == name).values(promoted_at=now())
            row = connection.execute(promoted.returning(CHECKPOINT)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no checkpoint {name!r}", param="checkpoint")
        return reading.checkpoint(row)

    def promoted(self) -> CheckpointView | None:
        """The one that routes; None when none was ever promoted."""
        latest = select(CHECKPOINT).where(CHECKPOINT.c.promoted_at.is_not(None))
        with self._database.read() as connection:
            row = connection.execute(latest.order_by(CHECKPOINT.c.promoted_at.desc()).limit(1)).one_or_none()
        return None if row is None else reading.checkpoint(row)

    def fetch(self, checkpoint: CheckpointView, cache: Path) -> Path:
        """Its folder on this machine, fetched once; processes that fetch it together do not disturb each other."""
        folder = cache / checkpoint.key
        if folder.exists():
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent, prefix="part-"))
        try:
            self._files.fetch(checkpoint.key, part)
            with suppress(OSError):  # another process was faster
                part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return folder
