"""Submitting prompts and reading them back."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from core.queues import WorkClass
from core.settings import Settings
from core.store import Store
from tests import factories
from tests.integration.api.played import PlayedWorkers


async def submit(client: httpx.AsyncClient, **body: object) -> dict:
    response = await client.post("/v1/prompts", json={"prompt": "What is 2 + 2?", **body})
    assert response.status_code == 202, response.text
    return response.json()


async def test_a_prompt_is_stored_then_sent_and_answered_with_its_ids(
    client: httpx.AsyncClient, workers: PlayedWorkers
):
    workers.hold()

    answer = await submit(client, custom_id="mine")

    assert answer["id"].startswith("batch_")
    assert answer["object"] == "torouter.submission"
    [prompt] = answer["prompts"]
    assert prompt["id"].startswith("prompt_")
    assert prompt["custom_id"] == "mine"
    [sent] = workers.sent
    assert sent.prompt_ids == [prompt["id"]]
    assert sent.work_class is WorkClass.INTERACTIVE


async def test_a_custom_id_that_was_not_given_is_not_answered(client: httpx.AsyncClient):
    answer = await submit(client)

    assert list(answer["prompts"][0]) == ["id"]


async def test_many_prompts_are_bulk_unless_their_class_says_otherwise(
    client: httpx.AsyncClient, workers: PlayedWorkers
):
    await client.post("/v1/prompts", json={"prompts": [{"prompt": "a"}, {"prompt": "b", "expert": "math"}]})
    await client.post("/v1/prompts", json={"prompts": [{"prompt": "c"}], "class": "interactive"})

    assert [len(sent.ids) for sent in workers.sent] == [2, 1]
    assert [sent.work_class for sent in workers.sent] == [WorkClass.BULK, WorkClass.INTERACTIVE]


async def test_waiting_for_a_prompt_tells_everything_known_of_it(client: httpx.AsyncClient):
    submitted = await submit(client, reference="4", dataset="sums", metadata={"run": "1"}, max_tokens=7)

    prompt = (await client.get(f"/v1/prompts/{submitted['prompts'][0]['id']}?wait=60")).json()

    assert prompt["state"] == "done"
    assert prompt["batch_id"] == submitted["id"]
    assert prompt["messages"] == [{"role": "user", "content": "What is 2 + 2?"}]
    assert (prompt["reference"], prompt["dataset"], prompt["metadata"]) == ("4", "sums", {"run": "1"})
    assert (prompt["expert"], prompt["answer"]) == ("general", "general: What is 2 + 2?")
    assert prompt["decision"]["predictions"] == {"general": 0.7, "math": 0.2}
    [generation] = prompt["generations"]
    assert generation["metrics"]["output_tokens"] == 5
    assert generation["metrics"]["nll_answer"] is None
    assert prompt["error"] is None


async def test_a_pinned_prompt_is_answered_by_its_expert(client: httpx.AsyncClient):
    submitted = await submit(client, expert="math")

    prompt = (await client.get(f"/v1/prompts/{submitted['prompts'][0]['id']}?wait=60")).json()

    assert prompt["expert"] == "math"


async def test_sampling_parameters_reach_the_store_by_the_stores_names(
    client: httpx.AsyncClient, api_store: Store, workers: PlayedWorkers
):
    workers.hold()
    await submit(client, max_completion_tokens=9, stop="END", temperature=0.5, seed=3, presence_penalty=1)

    [item] = api_store.prompts.claim(workers.sent[0].ids, "router", 60)

    assert item.sampling.model_dump(exclude_none=True) == {
        "temperature": 0.5,
        "max_tokens": 9,
        "stop": ("END",),
        "seed": 3,
        "presence_penalty": 1.0,
    }


async def test_a_developer_message_is_a_system_message_and_text_parts_are_joined(client: httpx.AsyncClient):
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    body = {"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]}

    submitted = (await client.post("/v1/prompts", json=body)).json()

    prompt = (await client.get(f"/v1/prompts/{submitted['prompts'][0]['id']}")).json()
    assert prompt["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one\ntwo"},
    ]


async def test_a_wait_that_ends_early_names_the_prompt_to_come_back_with(
    client: httpx.AsyncClient, workers: PlayedWorkers
):
    workers.hold()
    prompt_id = (await submit(client))["prompts"][0]["id"]

    response = await client.get(f"/v1/prompts/{prompt_id}?wait=0.1")

    assert response.status_code == 504
    error = response.json()["error"]
    assert error["code"] == "wait_timeout"
    assert error["prompt_id"] == prompt_id
    assert error["url"] == f"/v1/prompts/{prompt_id}"
    assert prompt_id in error["message"]


async def test_without_a_wait_the_state_is_told_at_once(client: httpx.AsyncClient, workers: PlayedWorkers):
    workers.hold()
    prompt_id = (await submit(client))["prompts"][0]["id"]

    prompt = (await client.get(f"/v1/prompts/{prompt_id}")).json()

    assert (prompt["state"], prompt["answer"], prompt["generations"]) == ("pending", None, [])


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "inf", "soon"])
async def test_a_wait_outside_its_range_is_refused(client: httpx.AsyncClient, wait: str):
    prompt_id = (await submit(client))["prompts"][0]["id"]

    response = await client.get(f"/v1/prompts/{prompt_id}?wait={wait}")

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "wait"


@pytest.mark.parametrize("name", ["prompt_00", "batch_00", "x", "%00", "prompt_%ff", "prompt_%ED%A0%80"])
@pytest.mark.parametrize("path", ["/v1/prompts/{}", "/v1/batches/{}", "/v1/batches/{}/results"])
async def test_an_unknown_id_is_not_found(client: httpx.AsyncClient, path: str, name: str):
    response = await client.get(path.format(name))

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


async def test_many_waits_at_once_all_end(client: httpx.AsyncClient, workers: PlayedWorkers):
    workers.hold()
    body = {"prompts": [{"prompt": str(number)} for number in range(200)]}
    prompts = (await client.post("/v1/prompts", json=body)).json()["prompts"]
    waits = [asyncio.create_task(client.get(f"/v1/prompts/{one['id']}?wait=60")) for one in prompts]
    await asyncio.sleep(0.2)

    workers.release()
    answers = [(await wait).json()["answer"] for wait in waits]

    assert answers == [f"general: {number}" for number in range(200)]


class TestWithoutARouter:
    @pytest.fixture
    def app(self, settings: Settings, sqlite_store: Store) -> Iterator[FastAPI]:
        sqlite_store.experts.sync([factories.expert("general"), factories.expert("math")])
        self.workers = PlayedWorkers(sqlite_store)
        yield create_app(settings, sqlite_store, self.workers)
        self.workers.stop()

    async def test_a_prompt_that_needs_one_is_not_taken(self, client: httpx.AsyncClient):
        response = await client.post(
            "/v1/prompts", json={"prompts": [{"prompt": "a", "expert": "math"}, {"prompt": "b"}]}
        )

        assert response.status_code == 503
        assert "torouter up" in response.json()["error"]["message"]
        assert "torouter promote" in response.json()["error"]["message"]
        assert response.headers["x-should-retry"] == "false"
        assert self.workers.sent == []

    @pytest.mark.parametrize("treatment", [{"expert": "math"}, {"experts": "all"}, {"experts": ["general"]}])
    async def test_pinned_and_collecting_prompts_are_taken(self, client: httpx.AsyncClient, treatment: dict[str, Any]):
        await submit(client, **treatment)

        assert len(self.workers.sent) == 1


async def test_ten_thousand_prompts_are_taken_at_once(settings: Settings, api_store: Store, workers: PlayedWorkers):
    workers.hold()
    large = settings.model_copy(update={"max_prompts": 10_000, "max_body_bytes": 2**24})
    transport = httpx.ASGITransport(app=create_app(large, api_store, workers))
    body = {"prompts": [{"prompt": f"What is {number} + 1?", "custom_id": str(number)} for number in range(10_000)]}

    async with httpx.AsyncClient(transport=transport, base_url="http://torouter", timeout=60) as client:
        response = await client.post("/v1/prompts", json=body)

    assert response.status_code == 202
    assert len(response.json()["prompts"]) == 10_000
