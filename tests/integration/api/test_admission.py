"""New work is refused while there is no room for it, before anything of it is stored."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from core.settings import Settings
from core.store import Store
from tests.factories import prompt, submit
from tests.integration.api.played import PlayedWorkers

CHAT = {"messages": [{"role": "user", "content": "hello"}]}


def requests() -> list[tuple[str, dict[str, Any]]]:
    file = {"files": {"file": ("x.jsonl", b"{}\n")}, "data": {"purpose": "batch"}, "headers": {}}
    batch = {"input_file_id": "file_0", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    upload = {"filename": "x", "purpose": "batch", "bytes": 3}
    return [
        ("/v1/chat/completions", {"json": CHAT}),
        ("/v1/completions", {"json": {"prompt": "hello"}}),
        ("/predict", {"json": CHAT}),
        ("/v1/prompts", {"json": {"prompt": "hello"}}),
        ("/v1/batches", {"json": batch}),
        ("/v1/uploads", {"json": upload}),
        ("/v1/files", file),
    ]


@pytest.mark.parametrize(("path", "asked"), requests())
@pytest.mark.parametrize(
    ("limit", "named"),
    [({"min_free_bytes": 2**60}, "TOROUTER_MIN_FREE_BYTES"), ({"max_open_prompts": 1}, "TOROUTER_MAX_OPEN_PROMPTS")],
)
async def test_new_work_is_told_to_come_back_when_there_is_no_room(  # noqa: PLR0917  # fixtures and parameters
    api_store: Store, workers: PlayedWorkers, tmp_path: Path, path: str, asked: dict[str, Any], limit: Any, named: str
):
    workers.hold()
    with api_store.batches._database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO batch (public_id, endpoint, total, created_at) VALUES ('batch_0', '/v1/prompts', 1, 0)"
        )
    app = create_app(Settings(home=tmp_path, **limit), api_store, workers)
    transport = httpx.ASGITransport(app=app)

    async with httpx.AsyncClient(transport=transport, base_url="http://torouter") as client:
        refused = await client.post(path, **asked)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert named in refused.json()["error"]["message"]
    assert workers.sent == []
    assert sum(api_store.batches.open_prompts().values()) == 1


@pytest.mark.parametrize(("body", "status"), [({}, 429), ({"class": "bulk"}, 202)])
async def test_where_too_many_wait_for_an_answer_bulk_work_is_still_taken(
    api_store: Store, workers: PlayedWorkers, tmp_path: Path, body: dict[str, str], status: int
):
    workers.hold()
    app = create_app(Settings(home=tmp_path, max_waiting_interactive=2), api_store, workers)
    submit(api_store, prompt("one"), prompt("other"))
    transport = httpx.ASGITransport(app=app)

    async with httpx.AsyncClient(transport=transport, base_url="http://torouter") as client:
        answer = await client.post("/v1/prompts", json={"prompt": "hello", **body})

    assert answer.status_code == status
    if status == 429:
        assert answer.headers["Retry-After"] == "5"
        assert "TOROUTER_MAX_WAITING_INTERACTIVE" in answer.json()["error"]["message"]
