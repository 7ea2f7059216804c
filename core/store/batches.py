"""Batches, read by their owner."""

from sqlalchemy import select

from core.errors import NotFoundError
from core.schemas.views import BatchView
from core.store import reading
from core.store.database import Database
from core.tables import BATCH


class Batches:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str, owner: str) -> BatchView:
        """One batch with its counts; NotFoundError when there is none or it is another owner's."""
        with self._database.read() as connection:
            mine = select(BATCH).where(BATCH.c.public_id == name, BATCH.c.owner == owner)
            row = connection.execute(mine).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no batch {name!r}: check the id", param="id")
        return reading.batch(row)

    def of_fingerprint(self, endpoint: str, fingerprint: str, owner: str) -> list[BatchView]:
        """The owner's batches of an endpoint whose details carry this fingerprint, in the order of submission."""
        same = BATCH.c.metadata["fingerprint"].as_string() == fingerprint
        mine = select(BATCH).where(BATCH.c.endpoint == endpoint, BATCH.c.owner == owner, same).order_by(BATCH.c.id)
        with self._database.read() as connection:
            return [reading.batch(row) for row in connection.execute(mine)]
