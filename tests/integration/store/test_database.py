"""Transactions on both databases: who waits for whom, and what a reader sees."""

import threading
import time

import pytest
from sqlalchemy import func, select

from core.errors import StoreError
from core.store import Store, database
from core.store.database import Database
from core.tables import BATCH
from tests.factories import submit


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
