"""Many new prompts at once, by each database's fastest way in. Functions on a connection.

An INSERT through SQLAlchemy takes longer for a row than all the rest of a line's way in (docs/performance.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, text

from core.schemas.files import BatchJob, NewLine
from core.store.database import now
from core.tables import PROMPT, State, public_ids

#: What differs from line to line, by the column that it goes into.
LINE: Final = {name: ("metadata" if name == "details" else name) for name in NewLine._fields}

#: Columns in the order of the values below.
COLUMNS: Final = (
    *("id", "public_id", "state", "created_at", "sent_at", "finished_at"),
    *("batch_id", "owner", "endpoint", "work_class"),
    *LINE.values(),
)


def insert_lines(connection: Connection, job: BatchJob, lines: Sequence[NewLine], *, sent: bool) -> list[int]:
    """Store lines of a batch as prompts; internal ids of those that are to be routed.

    They count as `sent`, as the caller sends them after it has committed, or else as unsent.
    """
    rows = list(_rows(connection, job, lines, sent=sent))
    if connection.dialect.name == "postgresql":
        _copy(connection, rows)
    else:
        marks = ", ".join("?" * len(COLUMNS))
        cursor = connection.connection.cursor()
        cursor.executemany(f"INSERT INTO {PROMPT.name} ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
    return [row[0] for row in rows if row[2] == State.PENDING]


def _rows(
    connection: Connection, job: BatchJob, lines: Sequence[NewLine], *, sent: bool
) -> Iterator[tuple[Any, ...]]:  # Any: one type a column
    at = connection.execute(now().select()).scalar_one()
    same = (job.id, job.owner, job.endpoint, job.work_class.value)
    pending = (State.PENDING.value, at, at if sent else None, None)
    failed = (State.FAILED.value, at, None, at)
    ids, names = _new_ids(connection, len(lines)), public_ids("prompt", len(lines))
    for id_, name, line in zip(ids, names, lines, strict=True):
        yield (id_, name, *(failed if line.error_code else pending), *same, *line)


def _new_ids(connection: Connection, count: int) -> Iterable[int]:
    if connection.dialect.name == "postgresql":
        ids = text("SELECT nextval(pg_get_serial_sequence('prompt', 'id')) FROM generate_series(1, :count)")
        return connection.execute(ids, {"count": count}).scalars().all()
    # On SQLite this writer is the only one.
    last = connection.execute(text("SELECT coalesce(max(id), 0) FROM prompt")).scalar_one()
    return range(last + 1, last + 1 + count)


def _copy(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:  # Any: as above
    driver: Any = connection.connection.driver_connection  # Any: psycopg's own connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {PROMPT.name} ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
