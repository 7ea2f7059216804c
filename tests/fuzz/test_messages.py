"""What comes over wires: messages of queues, answers of engines elsewhere, URLs of webhooks, and settings."""

import asyncio
import json
import socket
from contextlib import suppress
from dataclasses import asdict
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.client import Client, _lines
from core.errors import ConfigError, GenerationError, InvalidInputError, PromptRejectedError, TorouterError
from core.queues import MOST_IDS, ids_of, message
from core.schemas.conversation import Completion, Message, Sampling
from core.schemas.experts import ExpertSpec
from core.settings import Settings, read
from experts.engine import Answer, Request
from experts.remote import RemoteEngine
from tests.fuzz.strangers import JSON, TEXT, lines, nearly
from tests.webhook_factories import settings
from workers.receivers import check_url, is_public

IDS = st.lists(st.integers(1, 2**63 - 1), max_size=20)

CHAT = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "refusal": None},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}]},
        }
    ],
    "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6},
}
CONTINUED = {
    **CHAT,
    "choices": [
        {
            "index": 0,
            "text": "Once upon",
            "finish_reason": "length",
            "logprobs": {
                "tokens": ["Once", " upon"],
                "token_logprobs": [None, -0.5],
                "top_logprobs": [None, {" upon": -0.5}],
                "text_offset": [0, 4],
            },
        }
    ],
}
FAILURE = {"error": {"message": "no", "code": "context_length_exceeded", "type": None, "param": None}}


@given(IDS)
def test_a_message_comes_back_as_it_was_sent(ids: list[int]):
    assert ids_of(json.loads(json.dumps(message(ids)))) == ids


@given(nearly({"v": 1, "ids": [1, 2]}) | JSON)
def test_a_message_is_ids_or_refused(received: Any):
    if not isinstance(received, dict):
        return
    with suppress(InvalidInputError):
        ids = ids_of(received)
        assert len(ids) <= MOST_IDS
        assert all(type(one) is int and 0 < one < 2**63 for one in ids)


SPEC = ExpertSpec(
    name="cloud",
    engine="openai",
    model="m",
    price_in_usd_per_mtok=1,
    price_out_usd_per_mtok=2,
    context_tokens=1000,
    options={"base_url": "http://cloud/v1", "api_key_env": "CLOUD_KEY", "max_retries": 0, "logprobs": True},
)

WEBHOOKS = settings(Path("/nowhere"), webhook_private=False)


class Server(httpx.AsyncBaseTransport):
    """Answers every call with the bytes that it is told."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return httpx.Response(self.status, headers={"Content-Type": "application/json"}, content=self.body)


def assert_storable(answer: Answer) -> None:
    assert isinstance(answer.text, str)
    for tokens in (answer.input_tokens, answer.output_tokens):
        assert type(tokens) is int
        assert 0 <= tokens < 2**31
    for measured in (answer.nll_answer, answer.nll_reference):
        assert measured is None or isinstance(measured, float)
    if answer.logprobs is not None:
        json.dumps(asdict(answer.logprobs), allow_nan=False).encode()


@pytest.mark.parametrize(("right", "completion"), [(CHAT, None), (CONTINUED, Completion(echo=True, logprobs=2))])
def test_an_answer_from_elsewhere_is_read_or_fails_its_prompt_alone(
    right: dict[str, Any], completion: Completion | None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CLOUD_KEY", "sk-very-secret")
    messages = (Message(role="user", content="Once"),)
    asked = Request("1", "cloud", messages, Sampling(temperature=0.0, max_tokens=20), completion=completion)
    engine, server = RemoteEngine(SPEC), Server()
    with asyncio.Runner() as runner:
        runner.run(engine.start())
        engine._client = engine._client.with_options(http_client=httpx.AsyncClient(transport=server))

        @given(lines(right) | lines(FAILURE), st.sampled_from([200] * 6 + [201, 302, 400, 403, 422, 500]))
        def read_or_fail(body: bytes, status: int) -> None:
            server.body, server.status = body, status
            with suppress(GenerationError, PromptRejectedError):
                assert_storable(runner.run(engine.answer(asked)))

        read_or_fail()
        runner.run(engine.stop())


@given(st.binary(max_size=80), st.lists(st.integers(0, 80), max_size=4))
def test_lines_of_an_answer_end_at_newlines_wherever_its_chunks_do(body: bytes, cuts: list[int]):
    body = body.decode(errors="replace").encode()
    places = sorted([0, *cuts, len(body)])
    chunks = [body[start:end] for start, end in pairwise(places)]

    assert "\n".join(_lines(chunks)) == body.decode().removesuffix("\n")


@given(
    st.sampled_from([200, 202, 400, 404, 429, 500, 503]),
    lines({"error": {"message": "no", "code": "x"}}) | JSON.map(lambda value: json.dumps(value).encode()),
)
def test_a_server_that_is_none_of_ours_is_an_error_of_ours(status: int, body: bytes):
    answer = httpx.Response(status, content=body, headers={"Retry-After": "soon"})
    CLIENT._http = httpx.Client(base_url="http://server", transport=httpx.MockTransport(lambda _: answer))
    with suppress(TorouterError):
        assert isinstance(CLIENT.batch("batch_1"), dict)


CLIENT = Client("http://server")

HOSTS = st.sampled_from(
    [
        "example.com",
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "\uff11\uff12\uff17.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1%25eth0]",
        "localhost",
        "0",
        "xn--",
        "a" * 300,
    ]
)
SCHEMES = st.sampled_from(["https", "https", "http", "file", "HTTPS", "gopher"])
USERS = st.sampled_from(["", "", "ann@", "ann:secret@", "@"])
PORTS = st.sampled_from(["", "", ":443", ":0", ":65536", ":-1", ":x", ":"])
URLS = st.tuples(SCHEMES, USERS, HOSTS | TEXT, PORTS, TEXT).map(lambda one: f"{one[0]}://{''.join(one[1:4])}/{one[4]}")


@given(TEXT | URLS)
def test_a_url_of_a_webhook_leads_to_no_address_of_ours_or_is_refused(url: str):
    with suppress(InvalidInputError):
        taken = check_url(url, WEBHOOKS)
        assert taken.scheme == "https"
        assert not taken.userinfo
        with suppress(ValueError):
            assert is_public(ip_address(taken.host))
        with suppress(OSError, UnicodeError):
            assert is_public(ip_address(socket.inet_aton(taken.raw_host.decode())))


TYPES = sorted(Settings.model_fields)


@given(
    st.dictionaries(
        st.sampled_from(TYPES),
        TEXT.filter(lambda text: "\x00" not in text)
        | st.sampled_from(
            ["nan", "inf", "-1", "1e999", "true", "{}", "[]", "~nobody", "/", "whsec_", "redis://", "sqlite://"]
        ),
        max_size=4,
    )
)
def test_settings_are_read_or_refused_by_name(changes: dict[str, str]):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in changes.items():
            patch.setenv(f"TOROUTER_{name.upper()}", value.encode(errors="replace").decode())
        try:
            found = read()
        except ConfigError as error:
            if not any(f"TOROUTER_{name.upper()}" in str(error) for name in changes):
                raise
        else:
            assert found.database
            assert found.broker
            assert found.files
