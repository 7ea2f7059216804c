"""With keys on: nobody gets in without one, everybody sees only their owner's things, and within their limits."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import keyring
from api.app import create_app
from api.http.admission import LOOK_S
from api.http.gate import OPERATORS, PUBLIC
from core.schemas.keys import SECRET, KeyView, Limits, NewKey, Scope, digest_of, new_secret
from core.settings import Settings
from core.store import Store
from tests.integration.api.played import PlayedWorkers

#: Ids in paths that are nobody's own: what `GET /v1/models/{name}` shows is for all.
NOBODYS = {"name"}

#: What a request needs to get as far as its id.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/uploads/{upload_id}/parts"): {"files": {"data": ("part", b"x")}},
    ("POST", "/v1/uploads/{upload_id}/complete"): {"json": {"part_ids": ["part_0"]}},
}

CHAT = {"messages": [{"role": "user", "content": "hello"}]}


def make_key(store: Store, name: str = "test", **changes: Any) -> tuple[str, KeyView]:
    """A key and its secret."""
    secret = new_secret()
    return secret, store.keys.create(NewKey(name, **changes), digest_of(secret))


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"auth": "keys", "broker_url": "amqp://127.0.0.1:1"})


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://torouter", timeout=30) as client:
        yield client
    await app.state.parts.waiting.close()


@pytest.fixture
def secret(api_store: Store) -> str:
    return make_key(api_store)[0]


def routes_of(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    for route in app.routes:
        if isinstance(route, APIRoute):
            for method in sorted(route.methods):
                yield method, route


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()["error"]
    return found


async def test_every_route_but_the_public_ones_wants_a_key(app: FastAPI, client: httpx.AsyncClient):
    asked = [(method, route.path) for method, route in routes_of(app) if route.path not in PUBLIC]

    answers = [await client.request(method, path) for method, path in [*asked, ("GET", "/v1/nothing")]]

    assert len(asked) > 20
    for answer in answers:
        assert error_of(answer, 401)["code"] == "invalid_api_key"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for path in PUBLIC:
        assert (await client.get(path)).status_code in {200, 503}


async def test_every_route_wants_the_scope_of_what_it_does(app: FastAPI, client: httpx.AsyncClient, api_store: Store):
    may = {scope: bearer(make_key(api_store, scopes=frozenset((scope,)))[0]) for scope in Scope}

    for method, route in routes_of(app):
        if route.path in PUBLIC:
            continue
        needed = Scope.READ if method == "GET" else Scope.SUBMIT
        if route.path.startswith(OPERATORS):
            needed = Scope.OPERATE
        for scope, headers in may.items():
            answer = await client.request(method, route.path, headers=headers)
            assert (answer.status_code == 403) is (scope is not needed), (method, route.path, scope)
    refused = error_of(await client.post("/v1/prompts", headers=may[Scope.READ], json={"prompt": "a"}), 403)
    assert "scope submit" in refused["message"]
    operators = await client.get("/metrics", headers=may[Scope.READ])
    assert error_of(operators, 403)["code"] == "insufficient_scope"


async def test_another_owners_ids_are_as_unknown_as_those_that_never_were(
    app: FastAPI, client: httpx.AsyncClient, api_store: Store, workers: PlayedWorkers
):
    workers.hold()
    mine, others = bearer(make_key(api_store, "mine")[0]), bearer(make_key(api_store, "others")[0])
    ids = await submit_everything(client, mine)

    walked = set()
    for method, route in routes_of(app):
        for parameter in set(route.param_convertors) - NOBODYS:
            id_ = ids[parameter]  # of a new kind: make one of it in `submit_everything`
            asked = BODIES.get((method, route.path), {})
            never = f"{id_.partition('_')[0]}_{0:032x}"
            paths = [route.path.format(**{parameter: one}) for one in (id_, never)]
            answers = [await client.request(method, path, headers=others, **asked) for path in paths]
            theirs, unknown = (error_of(answer, 404) for answer in answers)
            assert theirs["message"].replace(id_, "ID") == unknown["message"].replace(never, "ID")
            assert theirs["message"].startswith("there is no")
            walked.add((method, route.path))
    assert len(walked) > 12
    for path, id_ in (
        ("files", "file_id"),
        ("batches", "batch_id"),
        ("uploads", "upload_id"),
        ("prompts", "prompt_id"),
    ):
        seen = await client.get(f"/v1/{path}/{ids[id_]}", headers=mine)
        assert seen.status_code == 200
        assert seen.json().get("status") != "cancelled"


async def submit_everything(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, str]:
    """One of everything that has an id, by the name that paths have for it."""
    file = {"files": {"file": ("x.jsonl", b"{}\n")}, "data": {"purpose": "batch"}}
    found = {"file_id": (await client.post("/v1/files", headers=headers, **file)).json()["id"]}
    batch = {
        "input_file_id": found["file_id"],
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    found["batch_id"] = (await client.post("/v1/batches", headers=headers, json=batch)).json()["id"]
    upload = {"filename": "x", "purpose": "batch", "bytes": 3}
    found["upload_id"] = (await client.post("/v1/uploads", headers=headers, json=upload)).json()["id"]
    submitted = await client.post("/v1/prompts", headers=headers, json={"prompt": "hello"})
    found["prompt_id"] = submitted.json()["prompts"][0]["id"]
    return found


async def test_ids_in_bodies_and_queries_are_their_owners_too(
    client: httpx.AsyncClient, api_store: Store, workers: PlayedWorkers
):
    workers.hold()
    mine, others = bearer(make_key(api_store)[0]), bearer(make_key(api_store)[0])
    ids = await submit_everything(client, mine)
    batch = {"input_file_id": ids["file_id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}

    for path in ("/v1/files", "/v1/batches"):
        assert (await client.get(path, headers=others)).json()["data"] == []
        assert len((await client.get(path, headers=mine)).json()["data"]) == 1
    error_of(await client.get("/v1/files", headers=others, params={"after": ids["file_id"]}), 404)
    error_of(await client.get("/v1/batches", headers=others, params={"after": ids["batch_id"]}), 404)
    error_of(await client.post("/v1/batches", headers=others, json=batch), 404)


async def test_an_idempotency_key_is_its_owners(client: httpx.AsyncClient, api_store: Store, workers: PlayedWorkers):
    keys = [bearer(make_key(api_store)[0]) | {"Idempotency-Key": "the same"} for _ in range(2)]

    first, second = [await client.post("/v1/prompts", headers=key, json={"prompt": "hello"}) for key in keys]

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] != second.json()["id"]


async def test_keys_of_one_owner_see_the_same_so_that_one_can_replace_another(
    client: httpx.AsyncClient, api_store: Store, workers: PlayedWorkers
):
    old_secret, old = make_key(api_store, "old")
    submitted = (await client.post("/v1/prompts", headers=bearer(old_secret), json={"prompt": "a"})).json()

    new_secret_, _ = make_key(api_store, "new", owner=old.owner)
    api_store.keys.revoke(old.id)

    seen = await client.get(f"/v1/batches/{submitted['id']}", headers=bearer(new_secret_))
    assert seen.status_code == 200
    assert old.owner == old.id


async def test_wrong_revoked_and_expired_keys_are_refused_alike(client: httpx.AsyncClient, api_store: Store):
    revoked_secret, revoked = make_key(api_store, "revoked")
    api_store.keys.revoke(revoked.id)
    expired, _ = make_key(api_store, "expired", expires_in_s=-1)

    answers = [
        await client.get("/v1/models", headers=bearer(secret))
        for secret in (new_secret(), revoked_secret, expired, "tor-", "sk-1234", "tor-" + "f" * 10_000)
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert "not known here, or no longer" in answers[0].json()["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic {}"},
        {"Authorization": "{}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer  "},
        {"X-API-Key": "{}"},
        [("Authorization", "Bearer {}"), ("Authorization", "Bearer {}")],
    ],
)
async def test_a_key_in_any_other_place_is_none(client: httpx.AsyncClient, secret: str, headers: Any):
    pairs = headers.items() if isinstance(headers, dict) else headers
    sent = [(name, value.format(secret)) for name, value in pairs]

    answer = await client.get("/v1/models", params={"api_key": secret, "key": secret}, headers=sent)

    assert "Authorization: Bearer" in error_of(answer, 401)["message"]
    assert secret not in answer.text


async def test_a_revoked_key_ends_within_seconds_and_polls_do_not_ask_the_database(
    client: httpx.AsyncClient, api_store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keyring, "BELIEVED_S", 0.3)
    secret, key = make_key(api_store)
    looks = 0
    look = api_store.keys.active

    def counted(digest: str) -> KeyView | None:
        nonlocal looks
        looks += 1
        return look(digest)

    monkeypatch.setattr(api_store.keys, "active", counted)

    polls = await asyncio.gather(*(client.get("/v1/models", headers=bearer(secret)) for _ in range(20)))
    looked = looks
    api_store.keys.revoke(key.id)
    await asyncio.sleep(0.4)
    ended = await client.get("/v1/models", headers=bearer(secret))

    assert {poll.status_code for poll in polls} == {200}
    assert looked == 1
    assert ended.status_code == 401


async def test_it_is_known_when_a_key_was_last_used(client: httpx.AsyncClient, api_store: Store, secret: str):
    [before] = api_store.keys.all()

    await client.get("/v1/models", headers=bearer(secret))
    deadline = time.monotonic() + 10
    while api_store.keys.all()[0].last_used_at is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)

    assert before.last_used_at is None


async def test_a_database_that_is_away_is_no_wrong_key(
    client: httpx.AsyncClient, api_store: Store, secret: str, monkeypatch: pytest.MonkeyPatch
):
    with api_store.keys._database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE api_key RENAME TO gone")

    answer = await client.get("/v1/models", headers=bearer(secret))

    assert answer.status_code == 503
    assert secret not in answer.text


def test_openais_client_comes_in_with_a_key_and_not_without(url: str, api_store: Store, secret: str):
    with openai.OpenAI(base_url=f"{url}/v1", api_key=secret, max_retries=0) as client:
        reply = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "hello"}])
        file = client.files.create(file=("x.jsonl", b"{}\n"), purpose="batch")
        assert client.files.retrieve(file.id).id == file.id
    assert reply.choices[0].message.content

    for wrong in (new_secret(), "unused"):
        with (
            openai.OpenAI(base_url=f"{url}/v1", api_key=wrong, max_retries=0) as client,
            pytest.raises(openai.AuthenticationError, match="not known here, or no longer"),
        ):
            client.models.list()
    reader, _ = make_key(api_store, scopes=frozenset((Scope.READ,)))
    with (
        openai.OpenAI(base_url=f"{url}/v1", api_key=reader, max_retries=0) as client,
        pytest.raises(openai.PermissionDeniedError, match="scope submit"),
    ):
        client.files.create(file=("x.jsonl", b"{}\n"), purpose="batch")


async def test_a_large_file_with_a_wrong_key_is_refused_and_not_read(url: str):
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1 << 16
            yield b" " * (1 << 16)

    async with httpx.AsyncClient(timeout=30) as client:
        try:
            answer = await client.post(f"{url}/v1/files", headers=bearer(new_secret()), content=endless())
            assert answer.status_code == 401
        except (httpx.WriteError, httpx.ReadError):
            pass  # the connection was closed on it

    assert given < 50 << 20


async def test_requests_over_the_rate_are_told_when_to_come_back(client: httpx.AsyncClient, api_store: Store):
    limited = bearer(make_key(api_store, limits=Limits(requests_per_minute=3))[0])
    free = bearer(make_key(api_store)[0])

    answers = [await client.get("/v1/models", headers=limited) for _ in range(4)]
    other = await client.get("/v1/models", headers=free)

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["x-ratelimit-limit-requests"] for answer in answers} == {"3"}
    assert re.fullmatch(r"\d+\.\d{3}s", answers[-1].headers["x-ratelimit-reset-requests"])
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json()["error"]["code"] == "rate_limit_exceeded"
    assert other.status_code == 200
    assert "x-ratelimit-limit-requests" not in other.headers


async def test_the_settings_limit_keys_that_have_no_limit_of_their_own(
    settings: Settings, api_store: Store, workers: PlayedWorkers
):
    app = create_app(settings.model_copy(update={"key_requests_per_minute": 1}), api_store, workers)
    own = bearer(make_key(api_store, limits=Limits(requests_per_minute=2))[0])
    none = bearer(make_key(api_store)[0])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://torouter") as client:
        seen = [(await client.get("/v1/models", headers=key)).status_code for key in (own, own, own, none, none)]

    assert seen == [200, 200, 429, 200, 429]


async def test_a_key_has_so_many_requests_at_once_until_their_last_byte(
    url: str, api_store: Store, workers: PlayedWorkers
):
    workers.hold()
    headers = bearer(make_key(api_store, limits=Limits(concurrent_requests=1))[0])

    async with httpx.AsyncClient(base_url=url, timeout=30, headers=headers) as client:
        submitted = (await client.post("/v1/prompts", json={"prompt": "a"})).json()
        async with client.stream("GET", f"/v1/batches/{submitted['id']}/events") as events:
            assert events.status_code == 200
            refused = await client.get("/v1/models")
        workers.release()
        deadline = time.monotonic() + 10
        while (after := await client.get("/v1/models")).status_code == 429:  # the server has yet to see that we left
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)

    assert error_of(refused, 429)["code"] == "rate_limit_exceeded"
    assert refused.headers["Retry-After"] == "1"
    assert after.status_code == 200


async def test_an_owner_with_too_many_waiting_prompts_may_send_no_more_until_some_have_ended(
    client: httpx.AsyncClient, api_store: Store, workers: PlayedWorkers
):
    workers.hold()
    headers = bearer(make_key(api_store, limits=Limits(open_prompts=2))[0])
    file = await client.post(
        "/v1/files", headers=headers, files={"file": ("x.jsonl", b"{}\n")}, data={"purpose": "batch"}
    )
    batch = {"input_file_id": file.json()["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}

    once = headers | {"Idempotency-Key": "once"}
    first = await client.post("/v1/prompts", headers=once, json={"prompts": [{"prompt": "a"}, {"prompt": "b"}]})
    refused = [
        await client.post(path, headers=headers, json=body)
        for path, body in (
            ("/v1/prompts", {"prompt": "c"}),
            ("/v1/chat/completions", CHAT),
            ("/predict", CHAT),
            ("/v1/completions", {"prompt": "c"}),
            ("/v1/batches", batch),
        )
    ]
    again = await client.post("/v1/prompts", headers=once, json={"prompts": [{"prompt": "a"}, {"prompt": "b"}]})
    others = await client.post("/v1/prompts", headers=bearer(make_key(api_store)[0]), json={"prompt": "c"})
    workers.release()
    deadline = time.monotonic() + 10 * LOOK_S
    while (after := await client.post("/v1/prompts", headers=headers, json={"prompt": "c"})).status_code == 429:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)

    assert [answer.status_code for answer in refused] == [429] * 5
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert again.json() == first.json()
    assert (others.status_code, after.status_code) == (202, 202)


async def test_where_it_is_open_nobody_needs_a_key_and_any_is_ignored(
    settings: Settings, api_store: Store, workers: PlayedWorkers
):
    app = create_app(settings.model_copy(update={"auth": None}), api_store, workers)
    secret, _ = make_key(api_store, limits=Limits(requests_per_minute=1))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://torouter") as client:
        for headers in ({}, bearer(secret), bearer(secret), bearer("unused")):
            assert (await client.get("/v1/models", headers=headers)).status_code == 200


async def test_without_a_setting_a_host_that_others_reach_wants_keys(
    settings: Settings, api_store: Store, workers: PlayedWorkers
):
    app = create_app(settings.model_copy(update={"auth": None, "host": "0.0.0.0"}), api_store, workers)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://torouter") as client:
        error_of(await client.get("/v1/models"), 401)


async def test_no_log_and_no_answer_holds_a_key(
    app: FastAPI, client: httpx.AsyncClient, secret: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)

    @app.get("/v1/broken")
    async def broken() -> None:
        raise RuntimeError("on purpose")

    for path in ("/v1/models", "/v1/broken", "/v1/nothing", "/v1/prompts/prompt_0"):
        answer = await client.get(path, headers=bearer(secret))
        assert not SECRET.search(answer.text)

    assert "on purpose" not in answer.text
    # What the test's own client logs of its request names no headers.
    assert not SECRET.search(caplog.text)


async def test_the_document_says_where_a_key_belongs(client: httpx.AsyncClient):
    document = (await client.get("/openapi.json")).json()

    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) is (path not in PUBLIC)
            assert ({"401", "403"} <= operation["responses"].keys()) is (path not in PUBLIC)
