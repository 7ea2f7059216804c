"""Sending while the broker is away, and the database too."""

from pathlib import Path

import pytest

from core.errors import StoreError
from core.settings import Settings
from core.store import Store
from tests.factories import submit
from workers import app
from workers.sending import Sender


@pytest.fixture
def sender(sqlite_store: Store, tmp_path: Path) -> Sender:
    """Its broker is not there."""
    settings = Settings(home=tmp_path)
    return Sender(app.create(settings), sqlite_store.recovery, settings)


def test_what_was_committed_is_no_error_although_broker_and_database_are_away(
    sqlite_store: Store, sender: Sender, monkeypatch: pytest.MonkeyPatch
):
    def away(_dispatch: object) -> None:
        raise StoreError("away")

    monkeypatch.setattr(sqlite_store.recovery, "unsend", away)

    sender.submitted(submit(sqlite_store))
