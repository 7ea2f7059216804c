"""Sending while the broker is away, and the database too; and while a queue is full."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import StoreError
from core.queues import WorkClass
from core.settings import Settings
from core.store import Store
from tests.factories import expert, prompt, submit
from tests.system import System
from workers import app
from workers.recovery import sweep
from workers.sending import LOOK_S, Sender


@pytest.fixture
def sender(sqlite_store: Store, tmp_path: Path) -> Sender:
    """Its broker is not there."""
    settings = Settings(home=tmp_path)
    return Sender(app.create(settings), sqlite_store.recovery, settings)


def test_what_was_committed_is_no_error_although_broker_and_database_are_away(
    sqlite_store: Store, sender: Sender, monkeypatch: pytest.MonkeyPatch
):
    def away(_task: object, _ids: object) -> None:
        raise StoreError("away")

    monkeypatch.setattr(sqlite_store.recovery, "unsend", away)

    sender.submitted(submit(sqlite_store))


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A real broker whose bulk queues take three messages of two prompts, and nobody who works."""
    system = System(Settings(home=tmp_path, queue_messages=3, route_chunk=2), [expert()])
    system.start_broker()
    yield system
    system.stop_all()


def test_what_a_full_queue_has_no_room_for_waits_in_the_database(system: System):
    celery = app.create(system.settings)
    submitted = submit(system.store, *(prompt(str(n)) for n in range(20)), work_class=WorkClass.BULK)
    system.store.recovery.resend("route.bulk", older_s=-1)  # unsent, as behind a full queue

    def waiting() -> int:
        sweep(system.store, system.sender, lambda queue: app.depth(celery, queue), system.settings)
        return app.depth(celery, "route.bulk")

    assert waiting() == 3
    assert system.sender.is_full("route.bulk")
    assert waiting() == 3
    with celery.connection_for_write() as connection:
        connection.default_channel.queue_purge("route.bulk")
    time.sleep(LOOK_S)
    assert waiting() == 3
    left = [id_ for dispatch in system.store.recovery.unsent() for id_ in dispatch.ids]
    assert left == submitted.ids[12:]


def test_an_interactive_queue_is_never_full(system: System):
    system.sender.submitted(submit(system.store, *(prompt(str(n)) for n in range(100))))

    assert system.sender.room("route.interactive", "torouter.route") > 1000
