"""Connections, transactions and the database's clock. Knows both dialects, and no table."""

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import (
    JSON,
    URL,
    BigInteger,
    Connection,
    Engine,
    Table,
    Text,
    cast,
    column,
    create_engine,
    event,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Double

from core.errors import ConfigError, StoreError, StoreRefusedError

#: Seconds that a writer on SQLite waits for another one, and PostgreSQL for a connection.
BUSY_S = 30

#: Seconds for a connection to PostgreSQL, which else a host that drops packets would never refuse.
CONNECT_S = 10

#: A driver's errors that trying again does not mend.
LASTING = (
    *(IntegrityError, DataError, ProgrammingError),
    *(getattr(driver, name) for driver in (sqlite3, psycopg) for name in ("IntegrityError", "DataError")),
)

#: Connections of one process; threads beyond it wait their turn.
POOL = 10

#: Seconds that a peer may be silent over the network: without them a machine that was switched off, or a cable that was
#: pulled, is noticed after minutes or hours, and its transaction keeps its locks for as long.
SILENT_S = 30
PROBES = 3

#: PostgreSQL's own, of a connection on either side.
KEEPALIVES = {"idle": SILENT_S // (PROBES + 1), "interval": SILENT_S // (PROBES + 1), "count": PROBES}
OURS = {"tcp_user_timeout": str(SILENT_S * 1000)} | {f"keepalives_{name}": str(v) for name, v in KEEPALIVES.items()}
THEIRS = {"tcp_user_timeout": SILENT_S * 1000} | {f"tcp_keepalives_{name}": v for name, v in KEEPALIVES.items()}

#: Seconds that a transaction of ours may do nothing; they take milliseconds. Then the server ends it, since the locks
#: of a process that was stopped would keep everybody's work waiting, and nobody else could end that.
IDLE_S = 30

#: Where a connection keeps what is to be done after its transaction.
_COMMITTED = "torouter_committed"


class now(FunctionElement[float]):  # noqa: N801  # reads as the SQL function that it is
    """Unix seconds by the database's clock: leases are judged by one clock, whoever asks."""

    type = Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_sqlite(_element: now, _compiler: Any, **_: Any) -> str:  # Any: SQLAlchemy's hook is untyped
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _now_postgresql(_element: now, _compiler: Any, **_: Any) -> str:  # Any: as above
    return "extract(epoch from clock_timestamp())::double precision"


class this_hour(FunctionElement[int]):  # noqa: N801  # as above
    """Unix seconds at which the hour began, by the same clock."""

    type = BigInteger()
    inherit_cache = True


@compiles(this_hour, "sqlite")
def _this_hour_sqlite(_element: this_hour, _compiler: Any, **_: Any) -> str:  # Any: as above
    return "(CAST(strftime('%s', 'now') AS INTEGER) / 3600 * 3600)"


@compiles(this_hour, "postgresql")
def _this_hour_postgresql(_element: this_hour, _compiler: Any, **_: Any) -> str:  # Any: as above
    return "(floor(extract(epoch from clock_timestamp()) / 3600)::bigint * 3600)"


def after_commit(connection: Connection, call: Callable[[], object]) -> None:
    """Have it called when the transaction of `Database.write` has been committed; not where it fails."""
    connection.info[_COMMITTED].append(call)


def insert_or_ignore(connection: Connection, table: Table) -> Any:  # Any: each dialect has a class of its own
    """An INSERT that leaves a row alone whose key is there already."""
    return _insert(connection, table).on_conflict_do_nothing()


def insert_or_add(connection: Connection, table: Table, sums: Collection[str]) -> Any:  # Any: as above
    """An INSERT that adds the columns `sums` to a row whose key is there already."""
    statement = _insert(connection, table)
    added = {name: table.c[name] + statement.excluded[name] for name in sums}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=added)


def _insert(connection: Connection, table: Table) -> Any:  # Any: as above
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def given(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> Any:  # Any: JSON; a FROM clause
    """Rows as something to select from, whose columns are the table's of the same names; `row` is its id.

    They travel as one JSON parameter: an UPDATE of 64 rows takes 1 ms, and as many single ones 6 to 10.
    """
    columns = {name: table.c["id" if name == "row" else name].type for name in rows[0]}
    text = literal(json.dumps(rows, allow_nan=False), Text)
    if connection.dialect.name == "postgresql":
        typed = (column(name, JSONB if isinstance(kind, JSON) else kind) for name, kind in columns.items())
        return (
            func.jsonb_to_recordset(cast(text, JSONB))
            .table_valued(*typed, name="given")
            .render_derived(with_types=True)
        )
    each = func.json_each(text).table_valued("value", name="each")
    return select(
        *(type_coerce(func.json_extract(each.c.value, f"$.{name}"), kind).label(name) for name, kind in columns.items())
    ).subquery("given")


class Database:
    """One per process; threads share it."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._turn: Callable[[], AbstractContextManager[None]] = nullcontext
        self._durable = self.engine.execution_options(torouter_durable=True)
        if self.engine.url.get_backend_name() == "sqlite":
            self._reading = self.engine.execution_options(torouter_reading=True)
            self._turn = partial(_turn, Path(f"{self.engine.url.database}-turn"))
        else:
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction; a driver's error becomes StoreError, or StoreRefusedError where it lasts.

        `durable` ones survive a power cut on SQLite too (on PostgreSQL all do), at the price of a disk's flush; the
        others are work that would be done again, and survive the death of any process.
        """
        engine = self._durable if durable else self.engine
        # The turn last: whoever has it and waits for a connection of its own process would hold up all others.
        with _ours(), engine.connect() as connection:
            connection.info[_COMMITTED] = []
            with self._turn(), connection.begin():
                yield connection
            for call in connection.info.pop(_COMMITTED):
                call()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view that never waits for writers."""
        with _ours(), self._reading.begin() as connection:
            yield connection

    @property
    def place(self) -> str:
        """Where it is, without a user or a password."""
        url = self.engine.url
        if url.get_backend_name() == "sqlite":
            return str(url.database)
        return f"{url.database or ''} at {url.host or url.query.get('host') or 'localhost'}:{url.port or 5432}"

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _turn(path: Path) -> Iterator[None]:
    """Writers of a SQLite file wait for their turn in a queue of the kernel's.

    SQLite's own waiting is a poll with growing pauses, which nobody orders: with 20 writers at once, half of the
    transactions took 6 ms and one 5.6 s; in turn, all took less than a second (2 busy cores, docs/decisions/0004).
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # and with it the lock, as in a process that dies


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeoutError, sqlite3.Error, psycopg.Error) as error:  # bulk statements go to the drivers
        kind = StoreRefusedError if isinstance(error, LASTING) else StoreError
        why = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
        cure = ": start it, or mend TOROUTER_DATABASE_URL" if why.startswith("connection ") else ""
        raise kind(f"the database refused: {why}{cure}") from error


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        elif parsed.get_backend_name() != "sqlite" or not parsed.database:
            raise ConfigError(
                f"TOROUTER_DATABASE_URL ({parsed.get_backend_name()}:…): use sqlite:///PATH or "
                "postgresql://USER:PASSWORD@HOST/NAME"
            )
    except (ArgumentError, NoSuchModuleError, ValueError) as error:  # the last: of a port that is none
        raise ConfigError(
            "TOROUTER_DATABASE_URL is not a database URL like sqlite:///PATH or postgresql://…"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(str(parsed.database))
    return _postgresql(parsed)


def _postgresql(url: URL) -> Engine:
    """Whoever is gone without a word is noticed on both sides; what the URL says comes first."""
    url = url.update_query_dict(OURS | {"connect_timeout": str(CONNECT_S)} | dict(url.query))
    engine = create_engine(url, pool_size=POOL, max_overflow=0, pool_timeout=BUSY_S, pool_pre_ping=True)
    limits = THEIRS | {"idle_in_transaction_session_timeout": IDLE_S * 1000}
    settings = "; ".join(f"SET {name} = {value}" for name, value in limits.items())

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:  # Any: the driver's own connection
        connection.execute(settings)
        connection.commit()

    return engine


def _sqlite(path: str) -> Engine:
    """WAL, and BEGIN IMMEDIATE for every writer.

    A transaction that reads first and writes later fails at once as locked when another one wrote in between,
    whatever the time-out; BEGIN IMMEDIATE waits instead.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_S},
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=BUSY_S,
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:  # Any: the driver's own connection
        connection.isolation_level = None  # the driver's own BEGINs are switched off
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get('torouter_durable') else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN" if options.get("torouter_reading") else "BEGIN IMMEDIATE")

    return engine
