"""Transactions on both databases: who waits for whom, and what a reader sees."""

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.errors import StoreError
from core.store import Store, database
from core.store.database import Database
from core.tables import BATCH
from tests.factories import OWNER, submit


def test_a_reader_sees_the_same_throughout_its_transaction(store: Store):
    count = select(func.count()).select_from(BATCH)
    with store._database.read() as connection:
        before = connection.execute(count).scalar_one()
        submit(store)
        after = connection.execute(count).scalar_one()

    assert (before, after) == (0, 0)


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


def test_who_falls_silent_in_a_transaction_loses_its_locks(
    new_postgresql_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "SILENT_S", 1)
    frozen, other = (Store(new_postgresql_database, f"file://{tmp_path}") for _ in range(2))
    frozen.schema.upgrade()
    batch = submit(frozen).batch_id
    rows = select(BATCH.c.id).with_for_update()

    def freeze() -> None:
        with frozen._database.write() as connection:
            connection.execute(rows)
            other.batches.cancel(batch, OWNER)  # the frozen one goes on no sooner than this has ended
            connection.execute(rows)

    with pytest.raises(StoreError):
        freeze()

    assert other.batches.get(batch, OWNER).state == "cancelling"
    for store in (frozen, other):
        store.close()
