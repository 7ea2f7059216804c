"""Every released version's database, with data in it, upgrades to this one and its work goes on."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from core.store import Store
from tests.factories import claim, result

DUMPS = Path(__file__).parents[2] / "upgrades"
VERSIONS = sorted(path.name.removesuffix(".sqlite.sql") for path in DUMPS.glob("*.sqlite.sql"))


def load(version: str, url: str) -> None:
    parsed = sqlalchemy.make_url(url)
    kind = parsed.get_backend_name()
    script = (DUMPS / f"{version}.{kind}.sql").read_text(encoding="utf-8")
    if kind == "sqlite":
        connection = sqlite3.connect(str(parsed.database))
        connection.executescript(script)
        connection.close()
        return
    with psycopg.connect(parsed.set(drivername="postgresql").render_as_string(hide_password=False)) as server:
        server.execute(script.encode())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_database_of_an_earlier_version_upgrades_and_goes_on(version: str, database_url: str, tmp_path: Path):
    load(version, database_url)
    store = Store(database_url, f"file://{tmp_path}")

    store.schema.upgrade()
    store.schema.check()

    promoted = store.checkpoints.promoted()
    assert promoted is not None
    assert promoted.experts == ("general", "math")
    assert list(store.experts.enabled()) == ["general", "math"]
    reclaimed = store.recovery.reclaim(max_attempts=3)
    sent = [id_ for dispatch in store.recovery.unsent() for id_ in dispatch.ids]
    store.generations.finish([result(item.claim) for item in claim(store, sent)])
    assert reclaimed.pending == 2  # the two generations that were running when the dump was made
    store.close()


def test_there_is_a_dump_of_this_version():
    import importlib.metadata  # noqa: PLC0415  # beside what it is for

    assert importlib.metadata.version("torouter") in VERSIONS
