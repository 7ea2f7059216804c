"""Batches and files as OpenAI's own client uses them, over HTTP."""

import io
import json
import time
from typing import Any

import openai
import pytest
from openai.types import Batch

from core.errors import StoreError
from core.store import Store
from tests.integration.api.played import PlayedWorkers
from workers.lines import Using

CHAT = "/v1/chat/completions"


@pytest.fixture
def client(url: str, batches: Using) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)


def line(custom_id: str, text: str = "hello", model: str = "auto", **changes: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body, **changes}


def upload(client: openai.OpenAI, *lines: dict[str, Any] | str) -> str:
    text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines)
    return client.files.create(file=("lines.jsonl", io.BytesIO(text.encode())), purpose="batch").id


def create(client: openai.OpenAI, *lines: dict[str, Any] | str, **changes: Any) -> Batch:
    values: dict[str, Any] = {"endpoint": CHAT, "completion_window": "24h", **changes}
    return client.batches.create(input_file_id=upload(client, *lines), **values)


def ended(client: openai.OpenAI, batch: Batch, *states: str) -> Batch:
    deadline = time.monotonic() + 30
    while (seen := client.batches.retrieve(batch.id)).status not in (states or ("completed", "failed")):
        assert time.monotonic() < deadline, seen
        time.sleep(0.02)
    return seen


def content(client: openai.OpenAI, file: str | None) -> list[dict[str, Any]]:
    assert file is not None
    return [json.loads(one) for one in client.files.content(file).text.split("\n") if one]


def test_a_batch_lives_from_its_upload_to_its_download(client: openai.OpenAI):
    lines = [line("a", "one"), line("b", "two", model="math"), line("c", "snow \u2028 man \u2603", model="auto:best")]
    batch = create(client, *lines, metadata={"run": "7"})

    done = ended(client, batch)

    assert batch.status == "validating"
    assert done.status == "completed"
    assert done.metadata == {"run": "7"}
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (3, 3, 0)
    assert done.usage is not None
    assert done.usage.output_tokens == 15
    assert done.error_file_id is None
    assert done.errors is None
    times = [done.created_at, done.in_progress_at, done.finalizing_at, done.completed_at, done.expires_at]
    assert all(times)
    answers = content(client, done.output_file_id)
    assert [one["custom_id"] for one in answers] == ["a", "b", "c"]
    body = answers[1]["response"]["body"]
    assert answers[1]["response"]["status_code"] == 200
    assert answers[1]["error"] is None
    assert (body["expert"], body["model"], body["object"]) == ("math", "math", "chat.completion")
    assert body["choices"][0]["message"]["content"] == "math: two"
    assert body["cost_usd"] > 0
    assert answers[2]["response"]["body"]["choices"][0]["message"]["content"] == "general: snow \u2028 man \u2603"
    openai.types.chat.ChatCompletion.model_validate(body)


def test_the_counts_say_what_each_expert_did(client: openai.OpenAI):
    done = ended(client, create(client, line("a"), line("b", model="math"), line("c", model="math")))

    by_expert = done.model_dump()["by_expert"]

    assert {name: one["completed"] for name, one in by_expert.items()} == {"general": 1, "math": 2}
    assert by_expert["math"]["output_tokens"] == 10


@pytest.mark.parametrize(
    ("bad", "code", "param"),
    [
        ("{not json", "invalid_json_line", None),
        ('["a", "list"]', "invalid_json_line", None),
        (line("a"), "duplicate_custom_id", "custom_id"),
        ({"method": "POST", "url": CHAT, "body": {}}, "invalid_request", "custom_id"),
        (line("x", url="/v1/embeddings"), "mismatched_url", "url"),
        (line("x", model="nobody"), "model_not_found", "body.model"),
        (line("x", body={"messages": []}), "invalid_request", "body.messages"),
        (line("x", "a \x00 b"), "invalid_request", "body.messages.0.content"),
        (line("x", method="GET"), "invalid_request", "method"),
        (line("x", colour="red"), "invalid_request", "colour"),
    ],
)
def test_a_line_that_cannot_be_taken_fails_the_batch_and_nothing_runs(
    client: openai.OpenAI, workers: PlayedWorkers, bad: Any, code: str, param: str | None
):
    failed = ended(client, create(client, line("a"), bad, line("z")))

    assert failed.status == "failed"
    assert failed.failed_at is not None
    assert failed.errors is not None
    assert failed.errors.data is not None
    [error] = failed.errors.data
    assert (error.line, error.code, error.param) == (2, code, param)
    assert failed.request_counts is not None
    assert failed.request_counts.total == 0


def test_lines_that_cannot_be_taken_are_skipped_where_that_is_asked_for(client: openai.OpenAI):
    lines = [line("a"), "{not json", "", line("a"), line("b")]

    done = ended(client, create(client, *lines, metadata={"on_invalid": "skip"}))

    assert done.status == "completed"
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (4, 2, 2)
    assert [one["custom_id"] for one in content(client, done.output_file_id)] == ["a", "b"]
    errors = content(client, done.error_file_id)
    assert [(one["error"]["line"], one["error"]["code"]) for one in errors] == [
        (2, "invalid_json_line"),
        (4, "duplicate_custom_id"),
    ]
    assert all(one["response"] is None for one in errors)


def test_what_fails_later_fails_alone(client: openai.OpenAI, workers: PlayedWorkers):
    workers.failure = ("context_length_exceeded", "too long")

    done = ended(client, create(client, line("a")))

    assert done.status == "completed"
    assert done.output_file_id is None
    [error] = content(client, done.error_file_id)
    assert error["custom_id"] == "a"
    assert error["response"]["status_code"] == 400
    assert error["response"]["body"]["error"]["code"] == "context_length_exceeded"


def test_a_cancelled_batch_keeps_what_was_answered(client: openai.OpenAI, api_store: Store, workers: PlayedWorkers):
    workers.hold()
    batch = create(client, *(line(str(n)) for n in range(5)))
    ended(client, batch, "in_progress")

    cancelling = client.batches.cancel(batch.id)
    again = client.batches.cancel(batch.id)
    cancelled = ended(client, batch, "cancelled")

    assert cancelling.status == "cancelling"
    assert again.status in ("cancelling", "cancelled")
    assert cancelled.cancelled_at is not None
    counts = cancelled.model_dump()["request_counts"]
    assert counts["completed"] + counts["cancelled"] == counts["total"] == 5
    errors = content(client, cancelled.error_file_id)
    assert {one["error"]["code"] for one in errors} == {"batch_cancelled"}
    assert len(errors) == counts["cancelled"]


def test_what_the_window_cuts_off_expires(client: openai.OpenAI, workers: PlayedWorkers):
    workers.hold()

    expired = ended(client, create(client, line("a"), line("b"), completion_window="1s"), "expired")

    assert expired.expired_at is not None
    assert expired.model_dump()["request_counts"]["expired"] == 2
    errors = content(client, expired.error_file_id)
    assert [one["custom_id"] for one in errors] == ["a", "b"]
    assert {one["error"]["code"] for one in errors} == {"batch_expired"}


def test_batches_are_listed_page_by_page(client: openai.OpenAI):
    file = upload(client, line("a"))
    made = [client.batches.create(input_file_id=file, endpoint=CHAT, completion_window="24h").id for _ in range(3)]

    page = client.batches.list(limit=2)

    assert [one.id for one in page.data] == made[:0:-1]
    assert page.has_more
    assert [one.id for one in client.batches.list(limit=2)] == made[::-1]


def test_the_same_key_twice_is_the_same_batch(client: openai.OpenAI):
    file = upload(client, line("a"))
    asked: dict[str, Any] = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}
    key = {"Idempotency-Key": "mine"}

    first, second = (client.batches.create(**asked, extra_headers=key) for _ in range(2))

    assert first.id == second.id
    assert len(client.batches.list().data) == 1
    with pytest.raises(openai.BadRequestError, match="another request"):
        client.batches.create(**{**asked, "completion_window": "1h"}, extra_headers=key)


def test_more_lines_than_the_limit_fail_the_batch(client: openai.OpenAI):
    failed = ended(client, create(client, *(line(str(n)) for n in range(201))))

    assert failed.errors is not None
    assert failed.errors.data is not None
    assert failed.errors.data[0].code == "too_many_lines"
    assert "TOROUTER_MAX_LINES" in (failed.errors.data[0].message or "")


def test_a_file_of_blank_lines_is_empty(client: openai.OpenAI):
    failed = ended(client, create(client, "", " "))

    assert failed.errors is not None
    assert failed.errors.data is not None
    assert failed.errors.data[0].code == "empty_file"


@pytest.mark.parametrize(
    "bad", ["[" * 5000, '{"custom_id": "\\ud800"}', '{"custom_id": "a\\u0000b"}', '{"custom_id": ["x"]}', "\\ud800"]
)
@pytest.mark.parametrize("on_invalid", ["fail", "skip"])
def test_no_line_keeps_a_batch_from_ending(client: openai.OpenAI, bad: str, on_invalid: str):
    done = ended(client, create(client, bad, line("z"), metadata={"on_invalid": on_invalid}))

    assert done.status == ("failed" if on_invalid == "fail" else "completed")
    if done.error_file_id is not None:
        [error] = content(client, done.error_file_id)
        assert error["error"]["line"] == 1


def test_a_batch_whose_file_is_lost_can_be_cancelled(
    client: openai.OpenAI, api_store: Store, workers: PlayedWorkers, batches: Using
):
    workers.hold()
    batch = create(client, *(line(str(n)) for n in range(5)))
    ended(client, batch, "in_progress")
    with api_store.batches._database.write() as connection:  # as if it had not been read to its end
        connection.exec_driver_sql(
            "UPDATE batch SET total = 7, stored_bytes = 1, fence = fence + 1, lease_expires_at = NULL"
        )
    api_store.blobs.delete(api_store.files.get(batch.input_file_id, "local").key)

    cancelled = ended(client, batch, "cancelled")

    counts = cancelled.model_dump()["request_counts"]
    assert counts["cancelled"] + counts["completed"] == counts["total"] == 7


def test_the_same_request_is_answered_although_it_would_be_refused_now(client: openai.OpenAI, app: Any):
    file = upload(client, line("a"))
    asked: dict[str, Any] = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}
    key = {"Idempotency-Key": "mine"}
    first = ended(client, client.batches.create(**asked, extra_headers=key))
    client.files.delete(file)

    assert client.batches.create(**asked, extra_headers=key).id == first.id
    with pytest.raises(openai.NotFoundError):
        client.batches.create(**asked)


def test_the_order_of_texts_is_not_the_order_of_answers(client: openai.OpenAI):
    lines = [line(str(n), text) for n, text in enumerate(["b", "a", "c", "a"])]

    done = ended(client, create(client, *lines))

    assert [one["custom_id"] for one in content(client, done.output_file_id)] == ["0", "1", "2", "3"]


def test_completions_are_a_batch_too(client: openai.OpenAI):
    body = {"model": "math", "prompt": "one and", "max_tokens": 3}
    asked = {"custom_id": "a", "method": "POST", "url": "/v1/completions", "body": body}

    done = ended(client, create(client, asked, endpoint="/v1/completions"))

    [answer] = content(client, done.output_file_id)
    assert answer["response"]["body"]["object"] == "text_completion"
    assert answer["response"]["body"]["choices"][0]["text"] == " math"


def test_a_collecting_batch_has_a_line_for_every_answer(client: openai.OpenAI):
    done = ended(client, create(client, line("a"), line("b"), extra_body={"experts": "all"}))

    answers = content(client, done.output_file_id)
    assert [(one["custom_id"], one["response"]["body"]["expert"]) for one in answers] == [
        ("a", "general"),
        ("a", "math"),
        ("b", "general"),
        ("b", "math"),
    ]


@pytest.mark.parametrize("window", ["24", "0h", "31d", "1w", ""])
def test_a_window_that_is_none_is_refused(client: openai.OpenAI, window: str):
    with pytest.raises(openai.BadRequestError, match="completion_window"):
        create(client, line("a"), completion_window=window)


def test_a_connection_that_breaks_behind_the_last_commit_loses_no_answers(
    client: openai.OpenAI, api_store: Store, monkeypatch: pytest.MonkeyPatch
):
    finish = api_store.batch_jobs.finish

    def committed_and_broken(*ended: Any) -> None:
        finish(*ended)
        raise StoreError("the connection broke before the database could say that it had committed")

    monkeypatch.setattr(api_store.batch_jobs, "finish", committed_and_broken)

    done = ended(client, create(client, line("one"), line("two")))

    assert [answer["custom_id"] for answer in content(client, done.output_file_id)] == ["one", "two"]
