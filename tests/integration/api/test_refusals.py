"""Wrong input: a 4xx in OpenAI's shape, with a message that names the field and the cure."""

import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.integration.api.played import PlayedWorkers

HELLO = {"role": "user", "content": "hello"}


def refused(response: httpx.Response, status: int = 400) -> dict:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert {"message", "type", "param", "code"} <= error.keys()
    assert error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({}, "messages", "`prompt` is required"),
        ({"prompt": "a", "messages": [HELLO]}, "messages", "one of the two"),
        ({"prompt": ""}, "prompt", "at least 1 character"),
        ({"messages": []}, "messages", "at least 1 item"),
        ({"prompt": "a", "temprature": 1}, "temprature", "did you mean `temperature`?"),
        ({"prompt": "a", "xyzzy": 1}, "xyzzy", "known are class, custom_id"),
        ({"prompt": "a", "temperature": 3}, "temperature", "less than or equal to 2"),
        ({"prompt": "a", "temperature": True, "top_p": 0}, "top_p", "greater than 0"),
        ({"prompt": "a", "max_tokens": 0}, "max_tokens", "(it is 0)"),
        ({"prompt": "a", "max_tokens": 5, "max_completion_tokens": 6}, "max_tokens", "send one of them"),
        ({"prompt": "a", "stop": ["", "b"]}, "stop.0", "at least 1 character"),
        ({"prompt": "a", "stop": list("abcde")}, "stop", "at most 4"),
        ({"prompt": "a", "class": "urgent"}, "class", "'interactive' or 'bulk'"),
        ({"prompt": "a", "policy": "worst"}, "policy", "best, cost:NUMBER"),
        ({"prompt": "a", "policy": "cost"}, "policy", "write cost:NUMBER"),
        ({"prompt": "a", "policy": "strong:1.5"}, "policy", "a number from 0 to 1"),
        ({"prompt": "a", "policy": 5}, "policy", "string"),
        ({"prompt": "a", "experts": []}, "experts", '"all" or a list'),
        ({"prompt": "a", "experts": ["math", "math"]}, "experts", "different names"),
        ({"prompt": "a", "expert": "math", "experts": "all"}, "expert", "one of the two"),
        ({"prompt": "a", "metadata": {"k": 1}}, "metadata.k", "string"),
        ({"prompt": "a", "metadata": {str(n): "" for n in range(17)}}, "metadata", "at most 16"),
        ({"prompts": []}, "prompts", "at least 1 item"),
        ({"prompts": {"prompt": "a"}}, "prompts", "tuple"),
        ({"prompts": [{"prompt": "a"}, {"prompt": "b", "seeed": 1}]}, "prompts.1.seeed", "did you mean `seed`?"),
        ({"prompts": [{"prompt": "a", "class": "bulk"}]}, "prompts.0.class", "not known"),
        ({"prompts": [{"prompt": "a"}], "temperature": 1}, "temperature", "not known"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages.0.role", "'user'"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "is required"),
        ({"messages": [{**HELLO, "name": "Ann"}]}, "messages.0.name", "not supported"),
        (
            {"messages": [HELLO, {"role": "user", "content": [{"type": "image_url"}]}]},
            "messages.1.content.0",
            "image_url",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text", "is required"),
        ({"messages": [{"role": "user", "content": [7]}]}, "messages.0.content.0", "'int'"),
    ],
)
async def test_a_wrong_field_is_named_with_its_cure(
    client: httpx.AsyncClient, workers: PlayedWorkers, body: dict[str, Any], param: str, says: str
):
    error = refused(await client.post("/v1/prompts", json=body))

    assert error["param"] == param
    assert error["message"].startswith(f"{param}: ")
    assert says in error["message"]
    assert workers.sent == []


@pytest.mark.parametrize("wrong", ["\x00", "\ud800", "a\udfffb"])
@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": "TEXT"}, "prompt"),
        ({"messages": [{"role": "user", "content": "TEXT"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "TEXT"}]}]}, "messages.0.content"),
        ({"prompt": "a", "reference": "TEXT"}, "reference"),
        ({"prompt": "a", "custom_id": "TEXT"}, "custom_id"),
        ({"prompt": "a", "dataset": "TEXT"}, "dataset"),
        ({"prompt": "a", "stop": "TEXT"}, "stop.0"),
        ({"prompt": "a", "metadata": {"key": "TEXT"}}, "metadata.key"),
        ({"prompts": [{"prompt": "a"}], "metadata": {"key": "TEXT"}}, "metadata.key"),
    ],
)
async def test_text_that_a_database_could_not_hold_is_refused_by_field(
    client: httpx.AsyncClient, body: dict[str, Any], param: str, wrong: str
):
    sent = json.dumps(body).replace("TEXT", json.dumps(wrong)[1:-1])

    error = refused(await client.post("/v1/prompts", content=sent))

    assert error["param"] == param
    assert "NUL" in error["message"] or "lone surrogate" in error["message"]


@pytest.mark.parametrize("field", ["expert", "experts", "metadata", "class", "policy", "\ud800"])
async def test_odd_characters_in_any_other_place_are_refused_too(client: httpx.AsyncClient, field: str):
    value = {"experts": ["\ud800"], "metadata": {"\ud800\x00": "a"}}.get(field, "\ud800\x00")

    response = await client.post("/v1/prompts", content=json.dumps({"prompt": "a", field: value}))

    assert response.status_code in (400, 404)
    assert response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "not JSON"),
        (b"prompt=a", "not JSON"),
        (b"[1]", "JSON list"),
        (b'"a"', "JSON str"),
        (b'{"prompt": "\xff"}', "not UTF-8 (byte 12)"),
        (b'{"prompt": "a", "temperature": NaN}', "NaN is no JSON value"),
        (b'{"prompt": "a", "temperature": -Infinity}', "-Infinity is no JSON value"),
        (b'{"prompt": "a", "temperature": 1e999}', "less than or equal to 2"),
        (b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"prompt": "a", "metadata": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "nested too deeply"),
        (b'{"prompt": "a", "metadata": ' + b"[" * 500 + b"]" * 500 + b"}", "metadata"),
        (b'{"prompt": "a", "metadata": ' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"}", "metadata.a"),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(client: httpx.AsyncClient, body: bytes, says: str):
    error = refused(await client.post("/v1/prompts", content=body))

    assert says in error["message"]


@pytest.mark.parametrize("path", ["/v1/prompts", "/v1/chat/completions", "/v1/completions", "/predict"])
@pytest.mark.parametrize("content_type", ["", "text/plain", "text/plain;application/json", "multipart/form-data"])
async def test_what_a_page_of_any_site_can_send_is_refused(
    client: httpx.AsyncClient, workers: PlayedWorkers, path: str, content_type: str
):
    body = json.dumps({"messages": [HELLO]})

    error = refused(await client.post(path, content=body, headers={"Content-Type": content_type}), 415)

    assert error["code"] == "unsupported_media_type"
    assert "Content-Type: application/json" in error["message"]
    assert workers.sent == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_known_in_every_spelling(client: httpx.AsyncClient, content_type: str):
    response = await client.post("/v1/prompts", content=b'{"prompt": "a"}', headers={"Content-Type": content_type})

    assert response.status_code == 202


async def test_a_body_over_the_limit_is_refused_by_its_declared_length(client: httpx.AsyncClient):
    error = refused(await client.post("/v1/prompts", json={"prompt": "a" * 200_000}), 413)

    assert error["code"] == "request_too_large"
    assert "200000 bytes" in error["message"]


async def test_a_streamed_body_is_refused_as_soon_as_it_is_over_the_limit(client: httpx.AsyncClient):
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 10_000
            yield b" " * 10_000

    refused(await client.post("/v1/prompts", content=endless()), 413)

    assert given <= 300_000


async def test_more_prompts_than_allowed_are_refused(client: httpx.AsyncClient):
    error = refused(await client.post("/v1/prompts", json={"prompts": [{"prompt": "a"}] * 1001}), 413)

    assert error["param"] == "prompts"
    assert "1000" in error["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": "a", "expert": "poet"}, "expert"),
        ({"prompt": "a", "experts": ["math", "poet"]}, "experts"),
        ({"prompts": [{"prompt": "a", "expert": "math"}, {"prompt": "a", "expert": "poet"}]}, "prompts.1.expert"),
    ],
)
async def test_an_unknown_expert_is_not_found_and_the_known_ones_are_named(
    client: httpx.AsyncClient, workers: PlayedWorkers, body: dict[str, Any], param: str
):
    error = refused(await client.post("/v1/prompts", json=body), 404)

    assert (error["param"], error["code"]) == (param, "model_not_found")
    assert "'poet'" in error["message"]
    assert "general, math" in error["message"]
    assert workers.sent == []


UNSUPPORTED = {
    "stream": True,
    "n": 2,
    "tools": [{"type": "function"}],
    "tool_choice": "auto",
    "functions": [{"name": "f"}],
    "function_call": "auto",
    "response_format": {"type": "json_object"},
    "logprobs": True,
    "top_logprobs": 3,
    "logit_bias": {"50256": -100},
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy"},
    "prediction": {"type": "content", "content": "a"},
    "reasoning_effort": "high",
    "verbosity": "low",
    "web_search_options": {},
    "stream_options": {"include_usage": True},
    "store": True,
}


@pytest.mark.parametrize("endpoint", ["/v1/chat/completions", "/predict"])
@pytest.mark.parametrize("name", UNSUPPORTED)
async def test_what_chat_does_not_support_is_refused_by_name(
    client: httpx.AsyncClient, workers: PlayedWorkers, endpoint: str, name: str
):
    body = {"messages": [HELLO], name: UNSUPPORTED[name]}

    error = refused(await client.post(endpoint, json=body))

    assert error["param"] == name
    assert "not supported" in error["message"]
    assert workers.sent == []


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("poet", "auto, auto:POLICY, general, math"),
        ("AUTO", "auto, auto:POLICY, general, math"),
        ("a" * 5000, "auto, auto:POLICY, general, math"),
        ("auto:", "choose one of best, cost:NUMBER"),
        ("auto:worst", "choose one of best, cost:NUMBER"),
        ("auto:cost", "write cost:NUMBER"),
        ("auto:cost:dear", "want a number from 0"),
    ],
)
async def test_an_unknown_model_is_not_found(client: httpx.AsyncClient, model: str, says: str):
    error = refused(await client.post("/predict", json={"messages": [HELLO], "model": model}), 404)

    assert (error["param"], error["code"]) == ("model", "model_not_found")
    assert says in error["message"]


async def test_a_model_that_cannot_be_stored_is_refused(client: httpx.AsyncClient):
    error = refused(await client.post("/predict", json={"messages": [HELLO], "model": "\x00"}))

    assert error["param"] == "model"


async def test_a_compressed_body_is_refused_before_it_is_unpacked(client: httpx.AsyncClient):
    body = {"content": b"\x1f\x8b", "headers": {"Content-Encoding": "gzip"}}

    assert "send the body as it is" in refused(await client.post("/v1/prompts", **body), 415)["message"]


def test_a_head_without_an_end_is_cut_off(url: str):
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.settimeout(10)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ")
        with pytest.raises(ConnectionError):  # noqa: PT012  # which of the writes, the kernel says
            for _ in range(100):
                connection.sendall(b"a" * 65_536)
                time.sleep(0.01)

    assert httpx.get(f"{url}/healthz").status_code == 200
