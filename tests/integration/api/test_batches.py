"""A batch's object and its results."""

import asyncio
import json

import httpx
from openai.types import Batch

from tests.integration.api.played import PlayedWorkers


async def submit(client: httpx.AsyncClient, **body: object) -> dict:
    response = await client.post("/v1/prompts", json=body)
    assert response.status_code == 202, response.text
    return response.json()


async def wait_for(client: httpx.AsyncClient, submitted: dict) -> None:
    for prompt in submitted["prompts"]:
        assert (await client.get(f"/v1/prompts/{prompt['id']}?wait=60")).status_code == 200


async def completed(client: httpx.AsyncClient, batch: str) -> dict:
    """Its body once nothing of it is open: scores come after the answers."""
    async with asyncio.timeout(60):
        while True:
            body = (await client.get(f"/v1/batches/{batch}")).json()
            if body["completed_at"]:
                return body
            await asyncio.sleep(0.02)


async def lines_of(client: httpx.AsyncClient, batch: str) -> list[dict]:
    response = await client.get(f"/v1/batches/{batch}/results")
    assert response.headers["content-type"].startswith("application/jsonl")
    return [json.loads(line) for line in response.text.splitlines()]


async def test_a_completed_batch_has_openais_shape_and_more(client: httpx.AsyncClient):
    prompts = [{"prompt": "a", "reference": "b"}, {"prompt": "c"}]
    submitted = await submit(client, prompts=prompts, metadata={"run": "7"})

    body = await completed(client, submitted["id"])

    batch = Batch.model_validate({**body, "input_file_id": ""})
    assert (batch.status, batch.endpoint, batch.metadata) == ("completed", "/v1/prompts", {"run": "7"})
    assert isinstance(body["created_at"], int)
    assert isinstance(body["completed_at"], int)
    assert body["input_file_id"] is None
    assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (2, 2, 0)
    assert (batch.usage.input_tokens, batch.usage.output_tokens, batch.usage.total_tokens) == (20, 10, 30)
    assert (body["class"], body["experts"], body["scores_open"]) == ("bulk", None, 0)
    assert body["cost_usd"] > 0


async def test_a_running_batch_is_in_progress(client: httpx.AsyncClient, workers: PlayedWorkers):
    workers.hold()
    submitted = await submit(client, prompt="a")

    body = (await client.get(f"/v1/batches/{submitted['id']}")).json()

    assert (body["status"], body["completed_at"], body["class"]) == ("in_progress", None, "interactive")


async def test_failed_prompts_are_counted(client: httpx.AsyncClient, workers: PlayedWorkers):
    workers.failure = ("prompt_rejected", "no")
    submitted = await submit(client, prompts=[{"prompt": "a"}])
    await wait_for(client, submitted)

    body = (await client.get(f"/v1/batches/{submitted['id']}")).json()
    [line] = await lines_of(client, submitted["id"])

    assert body["request_counts"] == {"total": 1, "completed": 0, "failed": 1, "cancelled": 0, "expired": 0}
    assert line["state"] == "failed"
    assert line["error"] == {"code": "prompt_rejected", "message": "no"}


async def test_results_are_a_line_per_prompt_in_the_order_submitted(client: httpx.AsyncClient):
    texts = [f"line one {number}\u2028line two" for number in range(900)]  # more than a page
    prompts = [{"prompt": text, "custom_id": str(number)} for number, text in enumerate(texts)]
    submitted = await submit(client, prompts=prompts)
    await wait_for(client, {"prompts": submitted["prompts"][-1:]})

    response = await client.get(f"/v1/batches/{submitted['id']}/results")

    lines = [json.loads(line) for line in response.text.rstrip("\n").split("\n")]
    assert [line["custom_id"] for line in lines] == [str(number) for number in range(900)]
    assert [line["answer"] for line in lines] == [f"general: {text}" for text in texts]
    assert lines[0]["metrics"]["input_tokens"] == 10
    assert lines[0]["generations"] is None


async def test_results_of_a_running_batch_tell_the_states(client: httpx.AsyncClient, workers: PlayedWorkers):
    workers.hold()
    submitted = await submit(client, prompts=[{"prompt": "a"}, {"prompt": "b"}])

    lines = await lines_of(client, submitted["id"])

    assert [(line["state"], line["answer"]) for line in lines] == [("pending", None)] * 2


async def test_a_collecting_batch_has_every_experts_answer(client: httpx.AsyncClient):
    submitted = await submit(client, prompts=[{"prompt": "a", "reference": "b"}], experts="all")
    await wait_for(client, submitted)

    [line] = await lines_of(client, submitted["id"])
    body = (await client.get(f"/v1/batches/{submitted['id']}")).json()

    assert body["experts"] == ["general", "math"]
    assert (line["expert"], line["answer"]) == (None, None)
    assert {one["expert"]: one["answer"] for one in line["generations"]} == {"general": "general: a", "math": "math: a"}
