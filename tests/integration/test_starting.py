"""Real processes that start before what they need."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.settings import Settings
from core.store import Store
from tests.factories import expert, prompt
from tests.system import System, until
from workers.processes import ready_file

#: Nobody listens there.
AWAY = "postgresql://somebody:secret@127.0.0.1:1/torouter?application_name=secret"


@pytest.fixture
def unprepared(tmp_path: Path, database_url: str) -> Iterator[System]:
    """Neither migrated nor with a broker; not a process runs."""
    settings = Settings(home=tmp_path, database_url=database_url, port=0, sweep_s=0.3)
    system = System(settings, [], prepared=False)
    yield system
    system.stop_all()


def test_processes_wait_for_database_catalogue_and_broker_and_then_work(unprepared: System):
    workers = ("routing", "recovery", "expert a")
    unprepared.start(*workers, ready=False)
    unprepared.start_process("api", "serve")
    names = ["routing", "recovery", "expert-a", "api"]
    for name in names:
        until(lambda name=name: "run `torouter migrate`" in unprepared.log(name), f"{name} says what it waits for")

    unprepared.store.schema.upgrade()
    until(lambda: "waiting for the broker" in unprepared.log("routing"), "the broker is waited for")
    until(lambda: "run `torouter experts load`" in unprepared.log("expert-a"), "a catalogue is waited for")
    unprepared.store.experts.sync([expert("a", options={"first_token_s": 0, "token_s": 0})])
    unprepared.start_broker()
    for name in names[:3]:
        until(ready_file(unprepared.settings, name).exists, f"{name} works")
    batch = unprepared.submit(prompt(expert="a"))

    unprepared.ended(batch)
    assert all("was there after" in unprepared.log(name) for name in names)


@pytest.mark.parametrize("command", [("serve",), ("work", "batches"), ("migrate",)])
def test_who_waits_for_a_database_says_where_keeps_the_password_and_ends_when_told(tmp_path: Path, command: tuple[str]):
    system = System(Settings(home=tmp_path), [])
    system.settings = Settings(home=tmp_path, database_url=AWAY)
    system.start_process("waiting", *command)
    until(lambda: "waiting for the database torouter at 127.0.0.1:1" in system.log("waiting"), "it waits")

    asked = time.monotonic()
    status = system.stop("waiting")

    assert status in (0, -signal.SIGTERM)
    assert time.monotonic() - asked < 5
    assert "secret" not in system.log("waiting")
    system.stop_all()


def test_a_database_of_a_later_version_is_an_error_and_not_waited_for(sqlite_store: Store):
    with sqlite_store._database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(ConfigError, match="update this process"):
        sqlite_store.schema.check()
