"""What the web page asks besides batches and prompts: all submissions, a batch's prompts, usage, the router, queues."""

import asyncio
from typing import Any

import httpx
import pytest

from core.store import Store
from tests import factories
from tests.integration.api.played import PlayedWorkers

REFERENCE = {"reference": "a good answer"}


async def submitted(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """A submission whose prompts have ended and are scored."""
    made: dict[str, Any] = (await client.post("/v1/prompts", json=body)).json()
    while not (await client.get(f"/v1/batches/{made['id']}")).json()["completed_at"]:  # noqa: ASYNC110  # a thread's work
        await asyncio.sleep(0.01)
    return made


async def test_all_submissions_are_listed_whatever_they_came_as(client: httpx.AsyncClient):
    many = await submitted(client, prompts=[{"prompt": "a"}, {"prompt": "b"}], metadata={"run": "7"})
    await client.post("/predict", json={"messages": [{"role": "user", "content": "c"}]})

    every = (await client.get("/v1/submissions")).json()
    bulk = (await client.get("/v1/submissions?class=bulk")).json()
    first = (await client.get("/v1/submissions?limit=1")).json()
    rest = (await client.get(f"/v1/submissions?limit=1&after={first['last_id']}")).json()

    assert [one["class"] for one in every["data"]] == ["interactive", "bulk"]
    assert every["has_more"] is False
    assert [one["id"] for one in bulk["data"]] == [many["id"]]
    assert bulk["data"][0]["metadata"] == {"run": "7"}
    assert (first["has_more"], rest["has_more"], rest["first_id"]) == (True, False, many["id"])
    assert (await client.get("/v1/batches")).json()["data"] == []


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/v1/submissions?limit=0", 400, "limit"),
        ("/v1/submissions?class=urgent", 400, "class"),
        ("/v1/submissions?after=batch_0", 404, "after: there is no batch"),
        ("/v1/batches/batch_0/prompts", 404, "there is no batch"),
        ("/v1/batches/batch_0/prompts?state=done", 400, "state"),
        ("/v1/usage?hours=0", 400, "hours"),
        ("/v1/usage?hours=745", 400, "hours"),
        ("/v1/usage?step=week", 400, "step"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(client: httpx.AsyncClient, path: str, status: int, says: str):
    answer = await client.get(path)

    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]


async def test_a_batchs_prompts_are_lines(client: httpx.AsyncClient, workers: PlayedWorkers):
    prompts = [{"prompt": "a" * 1000, "custom_id": "long", **REFERENCE}, {"prompt": "b"}]
    good = await submitted(client, prompts=prompts)
    workers.failure = ("prompt_rejected", "too short")
    bad = await submitted(client, prompts=[{"prompt": "c"}])

    page = (await client.get(f"/v1/batches/{good['id']}/prompts?limit=1")).json()
    rest = (await client.get(f"/v1/batches/{good['id']}/prompts?after={page['last_id']}")).json()
    none = (await client.get(f"/v1/batches/{good['id']}/prompts?state=failed")).json()
    failed = (await client.get(f"/v1/batches/{bad['id']}/prompts?state=failed")).json()

    [line] = page["data"]
    assert (line["text"], line["custom_id"], line["state"]) == ("a" * 200, "long", "done")
    assert (line["experts"], line["quality"], line["error"]) == (["general"], 0.75, None)
    assert line["cost_usd"] > 0
    assert (page["has_more"], rest["has_more"], len(rest["data"])) == (True, False, 1)
    assert rest["data"][0]["quality"] is None
    assert (none["data"], none["last_id"]) == ([], None)
    assert failed["data"][0]["error"] == {"code": "prompt_rejected", "message": "too short"}
    assert failed["data"][0]["cost_usd"] is None


async def test_usage_is_in_total_by_expert_and_over_time(client: httpx.AsyncClient, workers: PlayedWorkers):
    await submitted(client, prompts=[{"prompt": "a", **REFERENCE}, {"prompt": "b", "expert": "math"}])
    workers.hold()
    await client.post("/v1/prompts", json={"prompt": "c"})

    hours = (await client.get("/v1/usage")).json()
    days = (await client.get("/v1/usage?hours=48&step=day")).json()

    assert (hours["total"]["completed"], hours["total"]["scored"], hours["total"]["quality"]) == (2, 1, 0.75)
    assert hours["open_prompts"] == 1
    assert {name: one["completed"] for name, one in hours["by_expert"].items()} == {"general": 1, "math": 1}
    assert hours["by_expert"]["math"]["quality"] is None
    assert sum(one["used"]["cost_usd"] for one in hours["data"]) == pytest.approx(hours["total"]["cost_usd"])
    assert (hours["step_s"], days["step_s"]) == (3600, 86_400)
    assert all(one["start"] % 86_400 == 0 for one in days["data"])
    assert days["total"] == hours["total"]


async def test_usage_of_nothing_is_nothing_and_its_quality_absent(client: httpx.AsyncClient):
    found = (await client.get("/v1/usage")).json()

    assert (found["data"], found["by_expert"], found["open_prompts"]) == ([], {}, 0)
    assert (found["total"]["completed"], found["total"]["quality"]) == (0, None)


async def test_a_bulk_batch_knows_each_experts_mean_quality(client: httpx.AsyncClient):
    made = await submitted(client, prompts=[{"prompt": "a", **REFERENCE}, {"prompt": "b", "expert": "math"}])

    by_expert = (await client.get(f"/v1/batches/{made['id']}")).json()["by_expert"]

    assert {name: one["quality"] for name, one in by_expert.items()} == {"general": 0.75, "math": None}


async def test_the_router_tells_its_verdict_and_what_it_learned_from(client: httpx.AsyncClient, api_store: Store):
    bare = (await client.get("/v1/router")).json()
    promoted = api_store.checkpoints.promoted()
    assert promoted is not None
    verdict = {"better": True, "reason": "better", "n": 640, "difference": 0.018, "ci95": [0.006, 0.031], "by": "me"}
    api_store.checkpoints.promote(promoted.public_id, verdict)

    judged = (await client.get("/v1/router")).json()

    assert (bare["kind"], bare["experts"], bare["verdict"]) == ("knn", ["general", "math"], None)
    assert (bare["trained_on"], bare["metrics"]) == (None, {})
    assert judged["checkpoint"] == promoted.public_id
    assert judged["verdict"] | verdict == judged["verdict"]


async def test_without_a_router_it_says_what_to_do(client: httpx.AsyncClient, api_store: Store):
    with api_store._database.write() as connection:
        connection.exec_driver_sql("UPDATE checkpoint SET promoted_at = NULL")

    answer = await client.get("/v1/router")

    assert answer.status_code == 404
    assert "torouter promote" in answer.json()["error"]["message"]


async def test_queues_are_told_of_everybodys_work(client: httpx.AsyncClient, api_store: Store, workers: PlayedWorkers):
    workers.hold()
    factories.submit(api_store, factories.prompt("a"), owner="somebody else")

    found = {one["queue"]: one for one in (await client.get("/v1/operator/queues")).json()["data"]}

    assert found["route.interactive"]["waiting"] == 1
    assert found["expert.math.bulk"] == {"queue": "expert.math.bulk", "waiting": 0, "oldest_s": None, "running": 0}
