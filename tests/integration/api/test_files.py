"""Files and uploads as OpenAI's own client uses them, over HTTP."""

import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from core.errors import StoreError
from core.store import Store
from tests.integration.api.played import PlayedWorkers
from workers import housekeeping
from workers.housekeeping import sweep, tidy
from workers.lines import Using


@pytest.fixture
def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)


def upload(client: openai.OpenAI, content: bytes = b"{}\n", name: str = "lines.jsonl", **changes: Any):
    return client.files.create(file=(name, io.BytesIO(content)), purpose="batch", **changes)


def test_a_file_comes_back_as_it_was_sent(client: openai.OpenAI):
    content = "one\u2028line\r\n\n".encode() * 1000

    sent = upload(client, content, "prompts of mine.jsonl")

    assert (sent.bytes, sent.filename, sent.purpose, sent.status) == (len(content), "prompts of mine.jsonl", "batch",
                                                                     "processed")  # fmt: skip
    assert client.files.retrieve(sent.id) == sent
    assert client.files.content(sent.id).content == content
    assert sent.expires_at is not None
    assert sent.expires_at - sent.created_at == 30 * 86_400


def test_a_connection_that_breaks_behind_the_commit_loses_no_bytes(
    client: openai.OpenAI, api_store: Store, monkeypatch: pytest.MonkeyPatch
):
    add, key = api_store.files.add, {"Idempotency-Key": "once"}

    def committed_and_broken(*new: Any) -> None:
        add(*new)
        raise StoreError("the connection broke before the database could say that it had committed")

    monkeypatch.setattr(api_store.files, "add", committed_and_broken)
    with pytest.raises(openai.InternalServerError):
        upload(client, b"mine\n", extra_headers=key)
    monkeypatch.undo()
    again = upload(client, b"mine\n", extra_headers=key)

    assert client.files.content(again.id).content == b"mine\n"


def test_a_file_says_how_long_it_is_kept(client: openai.OpenAI):
    sent = upload(client, expires_after={"anchor": "created_at", "seconds": 3600})

    assert sent.expires_at is not None
    assert sent.expires_at - sent.created_at == 3600
    with pytest.raises(openai.BadRequestError, match=r"expires_after.seconds: .*3600"):
        upload(client, expires_after={"anchor": "created_at", "seconds": 5})


def test_files_are_listed_page_by_page_in_both_orders(client: openai.OpenAI):
    names = [upload(client).id for _ in range(5)]

    page = client.files.list(limit=2)

    assert [one.id for one in page.data] == names[:2:-1]
    assert page.has_more
    assert [one.id for one in client.files.list(limit=2)] == names[::-1]
    assert [one.id for one in client.files.list(limit=2, order="asc")] == names
    assert client.files.list(purpose="batch_output").data == []


def test_a_deleted_file_is_gone(client: openai.OpenAI, api_store: Store, tmp_path: Path):
    sent = upload(client)

    deleted = client.files.delete(sent.id)

    assert deleted.deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(sent.id)
    with pytest.raises(openai.NotFoundError):
        client.files.content(sent.id)
    assert [path for path in (tmp_path / "files" / "files").iterdir() if path.is_file()] == []


def test_a_file_that_a_batch_reads_stays(client: openai.OpenAI):
    sent = upload(client)
    batch = client.batches.create(input_file_id=sent.id, endpoint="/v1/chat/completions", completion_window="24h")

    with pytest.raises(openai.ConflictError, match=batch.id):
        client.files.delete(sent.id)


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"data": {"purpose": "vision"}}, 400, "purpose: 'vision' is OpenAI's"),
        ({"data": {}}, 400, "purpose: ''"),
        ({"files": {"other": b"x"}}, 400, "file: is required"),
        ({"files": {"file": ("x.jsonl", b"")}}, 400, "is empty"),
        ({"headers": {"Sec-Fetch-Site": "cross-site"}}, 403, "another site"),
        ({"headers": {"Origin": "http://evil.example"}}, 403, "another site"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_the_cure(
    url: str, tmp_path: Path, changes: dict[str, Any], status: int, message: str
):
    asked = {"files": {"file": ("x.jsonl", b"{}\n")}, "data": {"purpose": "batch"}, **changes}

    refused = httpx.post(f"{url}/v1/files", **asked)

    assert refused.status_code == status
    assert message in refused.json()["error"]["message"]
    assert list((tmp_path / "files").rglob("files/*")) == []


def test_what_is_no_form_is_refused(url: str):
    refused = httpx.post(f"{url}/v1/files", json={"purpose": "batch"})

    assert refused.status_code == 415
    assert "multipart/form-data" in refused.json()["error"]["message"]


def test_a_file_over_the_limit_is_refused_whether_its_length_is_told_or_not(url: str):
    form = {"files": {"file": ("x.jsonl", b"x" * 200_000)}, "data": {"purpose": "batch"}}
    request = httpx.Request("POST", f"{url}/v1/files", **form)
    body = request.read()

    told = httpx.post(f"{url}/v1/files", **form)
    untold = httpx.post(
        f"{url}/v1/files",
        content=(body[i : i + 5000] for i in range(0, len(body), 5000)),
        headers={"Content-Type": request.headers["Content-Type"]},
    )

    assert told.status_code == untold.status_code == 413


def test_the_same_file_with_the_same_key_is_one_file(client: openai.OpenAI):
    key = {"Idempotency-Key": "mine"}

    first, second = (upload(client, b"{}\n", extra_headers=key) for _ in range(2))

    assert first.id == second.id
    assert len(client.files.list().data) == 1
    with pytest.raises(openai.BadRequestError, match="another request"):
        upload(client, b"{ }\n", extra_headers=key)
    assert client.files.content(first.id).content == b"{}\n"


def test_an_upload_joins_its_parts_in_the_order_asked_for(client: openai.OpenAI):
    content = [b"one\n", b"two\n", b"three\n"]
    made = client.uploads.create(filename="x.jsonl", purpose="batch", bytes=14, mime_type="application/jsonl")
    parts = [client.uploads.parts.create(made.id, data=one).id for one in reversed(content)]

    done = client.uploads.complete(made.id, part_ids=parts[::-1], md5=hashlib.md5(b"".join(content)).hexdigest())
    again = client.uploads.complete(made.id, part_ids=parts[::-1])

    assert (made.status, done.status) == ("pending", "completed")
    assert done.file is not None
    assert again.file == done.file
    assert client.files.content(done.file.id).content == b"".join(content)
    with pytest.raises(openai.ConflictError, match="completed"):
        client.uploads.parts.create(made.id, data=b"more")


def test_an_upload_that_does_not_fit_what_was_announced_is_refused(client: openai.OpenAI):
    made = client.uploads.create(filename="x.jsonl", purpose="batch", bytes=4, mime_type="application/jsonl")
    part = client.uploads.parts.create(made.id, data=b"one\n").id

    with pytest.raises(openai.BadRequestError, match="8 bytes together, and 4"):
        client.uploads.complete(made.id, part_ids=[part, part])
    with pytest.raises(openai.BadRequestError, match="md5"):
        client.uploads.complete(made.id, part_ids=[part], md5="0" * 32)
    with pytest.raises(openai.BadRequestError, match="no part 'part_0'"):
        client.uploads.complete(made.id, part_ids=["part_0"])
    assert client.uploads.complete(made.id, part_ids=[part]).status == "completed"


def test_a_part_that_comes_twice_with_its_key_is_one_part(client: openai.OpenAI):
    made = client.uploads.create(filename="x.jsonl", purpose="batch", bytes=4, mime_type="application/jsonl")
    key = {"Idempotency-Key": "part-1"}

    first, second = (client.uploads.parts.create(made.id, data=b"one\n", extra_headers=key) for _ in range(2))

    assert first.id == second.id


def test_a_cancelled_upload_takes_no_more_and_its_bytes_go(client: openai.OpenAI, api_store: Store, tmp_path: Path):
    made = client.uploads.create(filename="x.jsonl", purpose="batch", bytes=4, mime_type="application/jsonl")
    client.uploads.parts.create(made.id, data=b"one\n")

    cancelled = client.uploads.cancel(made.id)
    again = client.uploads.cancel(made.id)
    tidy(api_store)

    assert cancelled.status == again.status == "cancelled"
    assert [path for path in (tmp_path / "files" / "files").iterdir() if path.is_file()] == []


def test_expired_files_go_unless_a_batch_reads_them(
    client: openai.OpenAI, api_store: Store, workers: PlayedWorkers, batches: Using, monkeypatch: pytest.MonkeyPatch
):
    kept, gone = upload(client), upload(client)
    database = api_store.files._database
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE file SET expires_at = 1")
        connection.exec_driver_sql(
            "INSERT INTO batch (public_id, endpoint, state, input_file_id, created_at, stored_lines, lease_expires_at) "
            f"VALUES ('batch_0', '/v1/chat/completions', 'validating', '{kept.id}', 0, 0, 9e12)"
        )

    tidy(api_store)

    assert client.files.retrieve(kept.id).id == kept.id
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(gone.id)


def test_a_closed_upload_cannot_be_completed(client: openai.OpenAI):
    made = client.uploads.create(filename="x.jsonl", purpose="batch", bytes=4, mime_type="application/jsonl")
    part = client.uploads.parts.create(made.id, data=b"one\n").id
    client.uploads.cancel(made.id)

    with pytest.raises(openai.ConflictError, match="cancelled"):
        client.uploads.complete(made.id, part_ids=[part])


def test_parts_hold_no_more_than_twice_what_was_announced(client: openai.OpenAI):
    made = client.uploads.create(filename="x.jsonl", purpose="batch", bytes=4, mime_type="application/jsonl")
    for _ in range(2):
        client.uploads.parts.create(made.id, data=b"one\n")

    with pytest.raises(openai.BadRequestError, match="12 bytes by now, and 4 were announced"):
        client.uploads.parts.create(made.id, data=b"one\n")


def test_bytes_that_nobody_knows_are_swept(
    client: openai.OpenAI, api_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kept = upload(client)
    with api_store.blobs.writing("files/orphan") as file:
        file.write(b"left by a killed process")
    sweep(api_store)
    assert (tmp_path / "files" / "files" / "orphan").exists()  # it may be under way

    monkeypatch.setattr(housekeeping, "ORPHAN_S", -60.0)
    sweep(api_store)

    assert not (tmp_path / "files" / "files" / "orphan").exists()
    assert client.files.content(kept.id).content == b"{}\n"
