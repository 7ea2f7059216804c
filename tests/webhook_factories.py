"""Batches that have ended and ask for a call, with defaults; a test names only what it is about."""

import base64
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core.schemas.files import NewBatch
from core.settings import Settings
from core.store import Store
from core.tables import WEBHOOK
from tests.factories import LEASE_S, OWNER

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
URL = "https://receiver.test/webhooks"


def settings(home: Path, **changes: Any) -> Settings:
    """Webhooks may go to this machine."""
    values: dict[str, Any] = {"webhook_secret": SECRET, "webhook_private": True, "lease_s": 1.0}
    return Settings(home=home, **{**values, **changes})


def ended(store: Store, url: str = URL) -> str:
    """The id of a batch that could not be taken, which is to be told to `url`."""
    new = NewBatch("file_1", "/v1/chat/completions", "24h", 86_400.0, "fail", OWNER, webhook_url=url)
    batch = store.batches.create(new).id
    job = store.batch_jobs.claim("reader", LEASE_S)
    assert job is not None
    assert store.batch_jobs.refuse(job, [{"code": "invalid_json", "message": "no", "line": 1, "param": None}])
    return batch


def call(store: Store) -> Any:
    """The row of the only call."""
    with store._database.read() as connection:
        return connection.execute(select(WEBHOOK)).one()
