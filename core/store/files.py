"""Files by their owner: rows here, bytes in the file store; uploads, which become files."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, select, update

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.schemas.files import FileView, NewFile, NewUpload, Once, PartView, UploadView
from core.store import request_keys
from core.store.batch_states import is_open
from core.store.database import Database, now
from core.tables import BATCH, FILE, UPLOAD, UPLOAD_PART, UploadState, public_id


class Files:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, owner: str, new: NewFile, once: Once | None = None) -> FileView:
        """A file whose bytes are stored; or the one that an earlier request with the same key made."""
        with self._database.write(durable=True) as connection:
            name = public_id("file")
            made = request_keys.first(connection, owner, once, name)
            if made == name:
                insert_file(connection, owner, new, name)
            return _file(connection, made, owner)

    def get(self, name: str, owner: str) -> FileView:
        """One file; NotFoundError when there is none or it is another owner's."""
        with self._database.read() as connection:
            return _file(connection, name, owner)

    def page(
        self, owner: str, *, after: str | None, limit: int, newest_first: bool, purpose: str | None
    ) -> list[FileView]:
        """The owner's files, after one of them, by age."""
        with self._database.read() as connection:
            mine = [FILE.c.owner == owner, *([FILE.c.purpose == purpose] if purpose else [])]
            if after is not None:
                last = _id(connection, after, owner)
                mine.append(FILE.c.id < last if newest_first else FILE.c.id > last)
            order = FILE.c.id.desc() if newest_first else FILE.c.id
            return [_view(row) for row in connection.execute(select(FILE).where(*mine).order_by(order).limit(limit))]

    def delete(self, name: str, owner: str) -> FileView:
        """Forget a file; its bytes are the caller's to delete. ConflictError while a batch reads it."""
        with self._database.write(durable=True) as connection:
            found = _file(connection, name, owner)
            reading = select(BATCH.c.public_id).where(BATCH.c.input_file_id == name, is_open())
            batch = connection.execute(reading.limit(1)).scalar_one_or_none()
            if batch is not None:
                raise ConflictError(f"{batch} is at work on {name!r}: cancel it first, or wait for its end", param="id")
            connection.execute(delete(FILE).where(FILE.c.public_id == name))
            request_keys.forget_made(connection, [name])
            return found

    def take_expired(self, limit: int) -> list[str]:
        """Forget files whose time is up and that no batch reads; the keys of their bytes."""
        with self._database.write() as connection:
            reading = exists().where(BATCH.c.input_file_id == FILE.c.public_id, is_open())
            late = select(FILE.c.id).where(FILE.c.expires_at < now(), ~reading).limit(limit)
            gone = delete(FILE).where(FILE.c.id.in_(late)).returning(FILE.c.key, FILE.c.public_id)
            rows = connection.execute(gone).fetchall()
            request_keys.forget_made(connection, [row.public_id for row in rows])
            return [row.key for row in rows]

    def without_row(self, keys: Sequence[str]) -> set[str]:
        """Those keys that no file and no part has."""
        of_files, of_parts = (select(table.c.key).where(table.c.key.in_(keys)) for table in (FILE, UPLOAD_PART))
        with self._database.read() as connection:
            return set(keys) - set(connection.execute(of_files.union(of_parts)).scalars())

    def forget_keys(self, older_s: float) -> None:
        """Forget the `Idempotency-Key` of requests that old."""
        with self._database.write() as connection:
            request_keys.forget(connection, older_s)


class Uploads:
    """Likewise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, owner: str, new: NewUpload, once: Once | None = None) -> UploadView:
        """An upload that parts may be added to; or the one that an earlier request with the same key made."""
        row = {name: getattr(new, name) for name in ("filename", "purpose", "bytes", "file_expires_after_s")}
        with self._database.write(durable=True) as connection:
            name = public_id("upload")
            made = request_keys.first(connection, owner, once, name)
            if made == name:
                times = {"created_at": now(), "expires_at": now() + new.expires_in_s}
                connection.execute(insert(UPLOAD).values(public_id=name, owner=owner, **row, **times))
            return _upload(connection, made, owner)

    def get(self, name: str, owner: str) -> UploadView:
        with self._database.read() as connection:
            return _upload(connection, name, owner)

    def add_part(self, upload: str, owner: str, size: int, key: str, once: Once | None = None) -> PartView:
        """A part whose bytes are stored under `key`; or the one that an earlier request with the same key made."""
        with self._database.write(durable=True) as connection:
            of = _pending(connection, upload, owner)
            name = public_id("part")
            made = request_keys.first(connection, owner, once, name)
            if made == name:
                _check_room(connection, of, size)
                row = {"public_id": name, "upload_id": of, "bytes": size, "key": key}
                connection.execute(insert(UPLOAD_PART).values(created_at=now(), **row))
            return _part(connection.execute(_parts().where(UPLOAD_PART.c.public_id == made)).one())

    def parts(self, upload: str, owner: str, names: Sequence[str]) -> list[PartView]:
        """Those parts in this order; InvalidInputError names the first that isn't the upload's."""
        with self._database.read() as connection:
            mine = _parts().where(UPLOAD.c.public_id == upload, UPLOAD.c.owner == owner)
            found = {row.public_id: _part(row) for row in connection.execute(mine)}
        missing = next((name for name in names if name not in found), None)
        if missing is not None:
            raise InvalidInputError(f"part_ids: {upload} has no part {missing[:100]!r}", param="part_ids")
        return [found[name] for name in names]

    def complete(self, upload: str, owner: str, new: NewFile) -> UploadView:
        """Make it a file whose bytes are stored; where it is one already, that. ConflictError where it is neither."""
        with self._database.write(durable=True) as connection:
            name = public_id("file")
            done = update(UPLOAD).where(UPLOAD.c.public_id == upload, UPLOAD.c.owner == owner)
            pending = done.where(UPLOAD.c.state == UploadState.PENDING)
            if connection.execute(pending.values(state=UploadState.COMPLETED, file_id=name)).rowcount:
                insert_file(connection, owner, new, name)
            found = _upload(connection, upload, owner)
            if found.file is None:
                raise _closed(found)
            return found

    def cancel(self, upload: str, owner: str) -> UploadView:
        """No more parts. Again is the same; ConflictError where it has become a file."""
        with self._database.write(durable=True) as connection:
            found = _upload(connection, upload, owner)
            if found.state == UploadState.CANCELLED:
                return found
            _pending(connection, upload, owner)
            mine = update(UPLOAD).where(UPLOAD.c.public_id == upload, UPLOAD.c.owner == owner)
            connection.execute(mine.values(state=UploadState.CANCELLED))
            return _upload(connection, upload, owner)

    def take_spent(self, limit: int) -> list[str]:
        """Forget the parts of uploads that are no longer pending, or whose time is up; the keys of their bytes."""
        with self._database.write() as connection:
            late = update(UPLOAD).where(UPLOAD.c.state == UploadState.PENDING, UPLOAD.c.expires_at < now())
            connection.execute(late.values(state=UploadState.EXPIRED))
            spent = select(UPLOAD.c.id).where(UPLOAD.c.state != UploadState.PENDING)
            parts = select(UPLOAD_PART.c.id).where(UPLOAD_PART.c.upload_id.in_(spent)).limit(limit)
            gone = delete(UPLOAD_PART).where(UPLOAD_PART.c.id.in_(parts)).returning(UPLOAD_PART.c.key)
            return list(connection.execute(gone).scalars())


def insert_file(connection: Connection, owner: str, new: NewFile, name: str) -> None:
    """Functions of other modules write files in their own transactions."""
    row = {column: getattr(new, column) for column in ("filename", "purpose", "bytes", "key")}
    expires_at = None if new.expires_after_s is None else now() + new.expires_after_s
    stored = insert(FILE).values(public_id=name, owner=owner, created_at=now(), expires_at=expires_at, **row)
    connection.execute(stored)


def _file(connection: Connection, name: str, owner: str) -> FileView:
    row = connection.execute(select(FILE).where(FILE.c.public_id == name, FILE.c.owner == owner)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no file {name!r}: check the id; files expire, too", param="id")
    return _view(row)


def _id(connection: Connection, name: str, owner: str) -> int:
    found = connection.execute(select(FILE.c.id).where(FILE.c.public_id == name, FILE.c.owner == owner))
    id_ = found.scalar_one_or_none()
    if id_ is None:
        raise NotFoundError(f"after: there is no file {name!r}: start without it", param="after")
    return int(id_)


def _view(row: Row[Any]) -> FileView:  # Any: the columns of the table
    return FileView(row.public_id, row.filename, row.purpose, row.bytes, row.key, row.created_at, row.expires_at)


def _upload(connection: Connection, name: str, owner: str) -> UploadView:
    mine = select(UPLOAD).where(UPLOAD.c.public_id == name, UPLOAD.c.owner == owner)
    row = connection.execute(mine).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no upload {name!r}: check the id", param="id")
    file = connection.execute(select(FILE).where(FILE.c.public_id == row.file_id)).one_or_none()
    return UploadView(
        id=row.public_id,
        state=row.state,
        filename=row.filename,
        purpose=row.purpose,
        bytes=row.bytes,
        file_expires_after_s=row.file_expires_after_s,
        created_at=row.created_at,
        expires_at=row.expires_at,
        file=_view(file) if file else None,
    )


def _pending(connection: Connection, name: str, owner: str) -> int:
    """Id of an upload that is still open, locked; ConflictError says what it is instead."""
    found = _upload(connection, name, owner)
    still = select(UPLOAD.c.id).where(
        UPLOAD.c.public_id == name, UPLOAD.c.state == UploadState.PENDING, UPLOAD.c.expires_at >= now()
    )
    id_ = connection.execute(still.with_for_update(key_share=True)).scalar_one_or_none()
    if id_ is None:
        raise _closed(found)
    return int(id_)


def _closed(upload: UploadView) -> ConflictError:
    state = UploadState.EXPIRED if upload.state == UploadState.PENDING else upload.state
    return ConflictError(f"{upload.id} is {state}: create another upload", param="id")


def _check_room(connection: Connection, upload: int, size: int) -> None:
    """InvalidInputError where parts have far more bytes than were announced; a part may have come twice."""
    announced = connection.execute(select(UPLOAD.c.bytes).where(UPLOAD.c.id == upload)).scalar_one()
    sums = select(func.coalesce(func.sum(UPLOAD_PART.c.bytes), 0)).where(UPLOAD_PART.c.upload_id == upload)
    sent = connection.execute(sums).scalar_one() + size
    if sent > 2 * announced:
        raise InvalidInputError(
            f"data: parts have {sent} bytes by now, and {announced} were announced: create another upload",
            param="data",
            code="upload_too_large",
        )


def _parts() -> Select[Any]:  # Any: the columns of a table and one more
    return select(UPLOAD_PART, UPLOAD.c.public_id.label("upload")).join(UPLOAD, UPLOAD.c.id == UPLOAD_PART.c.upload_id)


def _part(row: Row[Any]) -> PartView:  # Any: as above
    return PartView(row.public_id, row.upload, row.bytes, row.key, row.created_at)
