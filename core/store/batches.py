"""Batches by their owner: created from a file of lines, read, cancelled."""

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from core.errors import ConflictError, NotFoundError
from core.queues import WorkClass
from core.schemas.files import NewBatch, Once
from core.schemas.views import BatchView
from core.store import reading, request_keys
from core.store.batch_states import is_open
from core.store.database import Database, now
from core.tables import BATCH, BatchState, public_id

#: From these a batch can be cancelled.
CANCELLABLE = (BatchState.VALIDATING, BatchState.IN_PROGRESS, BatchState.FINALIZING)

#: Prompts of a batch that have not ended.
_LEFT = BATCH.c.total - BATCH.c.done - BATCH.c.failed - BATCH.c.cancelled - BATCH.c.expired


class Batches:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewBatch, once: Once | None = None) -> BatchView:
        """A batch to be validated; or the one that an earlier request with the same key made."""
        with self._database.write(durable=True) as connection:
            name = public_id("batch")
            made = request_keys.first(connection, new.owner, once, name)
            if made == name:
                _insert(connection, new, name)
            return _get(connection, made, new.owner)

    def made(self, owner: str, once: Once | None) -> BatchView | None:
        """The batch that an earlier request with this key made; None for the first, or without a key."""
        if once is None:
            return None
        with self._database.read() as connection:
            name = request_keys.made(connection, owner, once)
            return None if name is None else _get(connection, name, owner)

    def get(self, name: str, owner: str) -> BatchView:
        """One batch with its counts; NotFoundError when there is none or it is another owner's."""
        with self._database.read() as connection:
            return _get(connection, name, owner)

    def page(self, owner: str, *, after: str | None, limit: int) -> list[BatchView]:
        """The owner's batches that came as files, the newest first, after one of them."""
        with self._database.read() as connection:
            mine: list[ColumnElement[bool]] = [BATCH.c.owner == owner, BATCH.c.input_file_id.is_not(None)]
            if after is not None:
                mine.append(BATCH.c.id < _place(connection, after, owner))
            return reading.batches(connection, *mine, newest=limit)

    def submitted(self, owner: str, *, work_class: WorkClass | None, after: str | None, limit: int) -> list[BatchView]:
        """All that the owner has submitted, of a class or of both, the newest first, after one of them."""
        with self._database.read() as connection:
            before = [BATCH.c.id < _place(connection, after, owner)] if after is not None else []
            ids: list[int] = []
            for one in WorkClass if work_class is None else (work_class,):  # each in the order of its index
                theirs = select(BATCH.c.id).where(BATCH.c.owner == owner, BATCH.c.work_class == one, *before)
                ids += connection.execute(theirs.order_by(BATCH.c.id.desc()).limit(limit)).scalars()
            return reading.batches(connection, BATCH.c.id.in_(ids), newest=limit)

    def cancel(self, name: str, owner: str) -> BatchView:
        """Ask for its end, which takes a moment. Again is the same; ConflictError where it has ended."""
        with self._database.write(durable=True) as connection:
            mine = update(BATCH).where(
                BATCH.c.public_id == name, BATCH.c.owner == owner, BATCH.c.state.in_(CANCELLABLE)
            )
            connection.execute(mine.values(state=BatchState.CANCELLING, cancelling_at=now()))
            found = _get(connection, name, owner)
            if found.ended and found.state != BatchState.CANCELLED:
                raise ConflictError(f"{name} is {found.state}, so nothing of it can be cancelled", param="id")
            return found

    def open_prompts(self) -> dict[WorkClass, int]:
        """How many prompts of all owners have not ended, of each class; of a file, those that it is known to have."""
        with self._database.read() as connection:
            by_class = select(BATCH.c.work_class, func.sum(_LEFT)).where(is_open()).group_by(BATCH.c.work_class)
            found = {str(name): int(count) for name, count in connection.execute(by_class)}
        return {one: found.get(one, 0) for one in WorkClass}

    def open_prompts_of(self, owner: str) -> int:
        """The same of one owner."""
        with self._database.read() as connection:
            theirs = select(func.coalesce(func.sum(_LEFT), 0)).where(is_open(), BATCH.c.owner == owner)
            return int(connection.execute(theirs).scalar_one())

    def of_fingerprint(self, endpoint: str, fingerprint: str, owner: str) -> list[BatchView]:
        """The owner's batches of an endpoint whose details carry this fingerprint, in the order of submission."""
        same = BATCH.c.metadata["fingerprint"].as_string() == fingerprint
        with self._database.read() as connection:
            return reading.batches(connection, BATCH.c.endpoint == endpoint, BATCH.c.owner == owner, same)


def _place(connection: Connection, name: str, owner: str) -> int:
    found = select(BATCH.c.id).where(BATCH.c.public_id == name, BATCH.c.owner == owner)
    id_ = connection.execute(found).scalar_one_or_none()
    if id_ is None:
        raise NotFoundError(f"after: there is no batch {name!r}: start without it", param="after")
    return int(id_)


def _get(connection: Connection, name: str, owner: str) -> BatchView:
    found = reading.batches(connection, BATCH.c.public_id == name, BATCH.c.owner == owner)
    if not found:
        raise NotFoundError(f"there is no batch {name!r}: check the id", param="id")
    return found[0]


def _insert(connection: Connection, new: NewBatch, name: str) -> None:
    row = {
        "public_id": name,
        "owner": new.owner,
        "state": BatchState.VALIDATING,
        "work_class": WorkClass.BULK,
        "endpoint": new.endpoint,
        "collect": list(new.collect) if new.collect is not None else None,
        "policy": new.policy,
        "metadata": new.details,
        "input_file_id": new.input_file_id,
        "completion_window": new.completion_window,
        "output_expires_after_s": new.output_expires_after_s,
        "on_invalid": new.on_invalid,
        "webhook_url": new.webhook_url,
        "traceparent": new.traceparent,
    }
    connection.execute(insert(BATCH).values(created_at=now(), deadline_at=now() + new.window_s, **row))
