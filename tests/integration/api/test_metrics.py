"""`/metrics` of the API: who may read it, which requests it counts, and that a database that is away spoils nothing."""

import threading

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, text

from api.app import create_app
from api.metrics import Stored, Usage, _usage
from core.schemas.keys import NewKey, Scope, digest_of, new_secret
from core.settings import Settings
from core.store import Store
from core.store.usage import HOUR_S
from core.tables import USAGE_HOUR
from tests.factories import prompt, submit
from tests.integration.api.played import PlayedWorkers


async def told(client: httpx.AsyncClient, name: str, **labels: str) -> float | None:
    """A sample of `/metrics`; None where there is none."""
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return None


async def requests(client: httpx.AsyncClient, route: str, method: str, status: str) -> float:
    return await told(client, "torouter_http_requests_total", route=route, method=method, status=status) or 0.0


async def test_requests_are_counted_by_the_path_of_their_endpoint(client: httpx.AsyncClient):
    path = "/v1/prompts/{prompt_id}"
    before = await requests(client, path, "GET", "4xx")

    for name in ("prompt_1", "prompt_2"):
        await client.get(f"/v1/prompts/{name}")

    assert await requests(client, path, "GET", "4xx") == before + 2
    assert await told(client, "torouter_http_request_seconds_count", route="/v1/prompts/prompt_1") is None


async def test_whatever_clients_make_up_is_one_label(client: httpx.AsyncClient):
    before = await requests(client, "other", "other", "4xx")

    for method in ("BREW", "WHEN"):
        await client.request(method, "/coffee")

    assert await requests(client, "other", "other", "4xx") == before + 2


async def test_no_sum_goes_down_when_an_hour_is_over(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch):
    hour, told = 1_000 * HOUR_S, []
    rows = [(hour, 0.1), (hour + HOUR_S, 0.2), (hour + 2 * HOUR_S, 0.3)]
    with sqlite_store._database.write() as connection:
        for at, dollars in rows:
            row = {"owner": "", "expert": "a", "hour_at": at, "cost_usd": dollars, "quality_sum": dollars}
            connection.execute(insert(USAGE_HOUR), row | dict.fromkeys(COUNTS, 1))
    usage = Usage(sqlite_store)
    for later in range(4):
        monkeypatch.setattr(sqlite_store.usage, "hour", lambda later=later: hour + later * HOUR_S)
        families = {one.name: one for one in _usage(usage.sums())}
        told.append([families[name].samples[0].value for name in SUMS])

    assert told == [[0.6, 0.6]] * 4


SUMS = ("torouter_usage_cost_dollars", "torouter_usage_quality")
COUNTS = ("done", "failed", "input_tokens", "output_tokens", "scored")


async def test_an_error_that_nobody_expected_is_counted(app: FastAPI, client: httpx.AsyncClient):
    def bug() -> None:
        raise KeyError("nobody thought of this")

    app.add_api_route("/bug", bug)

    assert (await client.get("/bug")).status_code == 500

    assert await requests(client, "/bug", "GET", "5xx") == 1


async def test_a_database_that_is_away_leaves_the_rest_to_be_read(client: httpx.AsyncClient, api_store: Store):
    with api_store._database.write() as connection:
        connection.execute(text("ALTER TABLE checkpoint RENAME TO away"))

    assert await told(client, "torouter_database_up") == 0
    assert await told(client, "torouter_queue_waiting") is None
    assert await told(client, "torouter_prompts_ended_total", state="done") is not None


def test_a_database_that_says_nothing_is_waited_for_once_and_not_for_long():
    answered, reads = threading.Event(), []

    def read() -> list[Metric]:
        reads.append(1)
        answered.wait(30)
        return []

    stored = Stored(read, patience_s=0.05)
    ups = [next(stored.collect()).samples[0].value for _ in range(3)]
    answered.set()

    assert (ups, len(reads)) == ([0, 0, 0], 1)
    assert next(Stored(list, patience_s=5).collect()).samples[0].value == 1


async def test_a_look_at_the_database_holds_for_some_seconds(client: httpx.AsyncClient, api_store: Store):
    asked = {"queue": "route.bulk"}
    assert await told(client, "torouter_queue_waiting", **asked) == 0

    submit(api_store, prompt("a"), work_class="bulk")

    assert await told(client, "torouter_queue_waiting", **asked) == 0


async def test_with_keys_on_only_operators_may_read_it(settings: Settings, api_store: Store, workers: PlayedWorkers):
    keys = settings.model_copy(update={"auth": "keys", "broker_url": "amqp://127.0.0.1:1"})
    app = create_app(keys, api_store, workers)
    secrets = {scope: new_secret() for scope in (Scope.READ, Scope.OPERATE)}
    for scope, secret in secrets.items():
        api_store.keys.create(NewKey(scope, scopes=frozenset({scope})), digest_of(secret))
    transport = httpx.ASGITransport(app=app)

    async with httpx.AsyncClient(transport=transport, base_url="http://torouter") as client:
        statuses = [(await client.get("/metrics")).status_code]
        for secret in secrets.values():
            response = await client.get("/metrics", headers={"Authorization": f"Bearer {secret}"})
            statuses.append(response.status_code)

    await app.state.parts.waiting.close()
    assert statuses == [401, 403, 200]
