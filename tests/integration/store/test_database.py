"""Transactions on both databases: who waits for whom, and what a reader sees."""

import threading
import time
from contextlib import suppress

import pytest
from sqlalchemy import func, select, update

from core.errors import StoreError
from core.store import Store, database
from core.store.database import Database, after_commit
from core.tables import BATCH
from tests.factories import submit


def test_a_reader_sees_the_same_throughout_its_transaction(store: Store):
    count = select(func.count()).select_from(BATCH)
    with store._database.read() as connection:
        before = connection.execute(count).scalar_one()
        submit(store)
        after = connection.execute(count).scalar_one()

    assert (before, after) == (0, 0)


def test_what_follows_a_commit_is_done_once_and_not_after_a_failure(store: Store):
    done: list[str] = []

    with suppress(StoreError), store._database.write() as connection:
        after_commit(connection, lambda: done.append("of a failure"))
        connection.exec_driver_sql("SELECT no_such_column")
    with store._database.write() as connection:
        after_commit(connection, lambda: done.append("of a commit"))
        assert not done

    assert done == ["of a commit"]


def test_a_writer_without_a_connection_holds_up_no_other_process(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "POOL", 1)
    monkeypatch.setattr(database, "BUSY_S", 5)
    ours, theirs = (Database(str(sqlite_store._database.engine.url)) for _ in range(2))
    waiting = threading.Event()

    def write() -> None:
        waiting.set()
        with pytest.raises(StoreError), ours.write():
            pass

    thread = threading.Thread(target=write)
    with ours.read():
        thread.start()
        waiting.wait()
        time.sleep(0.2)  # as long as it takes to stand in the queue
        with theirs.write():
            still_waiting = thread.is_alive()
        thread.join()

    assert still_waiting
    for one in (ours, theirs):
        one.close()


def test_a_machine_that_is_gone_in_its_transaction_holds_up_the_others_for_a_bounded_time(
    new_postgresql_database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "IDLE_S", 1)
    gone, alive = (Store(new_postgresql_database, "memory://") for _ in range(2))
    gone.schema.upgrade()
    batch = submit(gone)
    name_it = update(BATCH).where(BATCH.c.public_id == batch.batch_id).values(policy="best")

    with gone._database.engine.connect() as held:  # and nothing more is heard of it
        held.execute(name_it)
        began = time.monotonic()
        with alive._database.write() as connection:
            connection.execute(name_it)
        waited = time.monotonic() - began
        held.invalidate()

    assert 0.5 < waited < 20
    for one in (gone, alive):
        one.close()


def test_a_silent_peer_is_noticed_on_both_sides(new_postgresql_database: str):
    found = Database(new_postgresql_database)

    with found.read() as connection:
        shown = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one()

    assert shown == f"{database.IDLE_S}s"
    assert found.engine.url.query["tcp_user_timeout"] == str(database.SILENT_S * 1000)
    found.close()
