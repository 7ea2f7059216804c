"""A cloud expert against a real HTTP server: what is sent, what its answers and its failures become."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.errors import (
    ConfigError,
    EngineBusyError,
    EngineDeadError,
    EngineError,
    EngineMisconfiguredError,
    GenerationError,
    PromptRejectedError,
)
from core.schemas.conversation import Completion, Message, Sampling
from core.schemas.experts import ExpertSpec
from experts.engine import Request
from experts.remote import RemoteEngine
from tests.unit.chat_server import ChatServer

Make = Callable[..., Awaitable[RemoteEngine]]

KEY = "sk-very-secret"


@pytest.fixture
def server():
    with ChatServer() as running:
        yield running


@pytest.fixture
async def make(server: ChatServer, monkeypatch: pytest.MonkeyPatch):
    """Makes a started engine against the server."""
    monkeypatch.setenv("CLOUD_KEY", KEY)
    made = []

    async def start(**options: Any):
        engine = RemoteEngine(spec(server.url, **options))
        await engine.start()
        made.append(engine)
        return engine

    yield start
    for engine in made:
        await engine.stop()


def spec(base_url: str, **options: Any) -> ExpertSpec:
    return ExpertSpec(
        name="cloud",
        engine="openai",
        model="gpt-test",
        price_in_usd_per_mtok=1,
        price_out_usd_per_mtok=2,
        context_tokens=1000,
        options={"base_url": base_url, "api_key_env": "CLOUD_KEY", "max_retries": 0, **options},
    )


def ask(content: str = "Hello", **sampling: Any) -> Request:
    drawn = Sampling(**{"temperature": 0.0, "max_tokens": 20, **sampling})
    return Request("1", "cloud", (Message(role="user", content=content),), drawn)


async def test_it_sends_model_messages_parameters_and_the_operators_own_fields(make: Make, server: ChatServer):
    engine = await make(extra_body={"service_tier": "flex"}, max_tokens_field="max_completion_tokens")

    await engine.answer(ask(stop=("\n",), seed=3))

    assert server.received == [
        {
            "model": "gpt-test",
            "messages": [{"role": "user", "content": "Hello"}],
            "temperature": 0.0,
            "max_completion_tokens": 20,
            "stop": ["\n"],
            "seed": 3,
            "service_tier": "flex",
        }
    ]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_an_answer_has_the_servers_tokens_and_no_more_than_it_knows(make: Make):
    engine = await make()

    answer = await engine.answer(ask("How do you do?"))

    assert answer.text == "Good day to you"
    assert (answer.input_tokens, answer.output_tokens, answer.finish_reason) == (4, 4, "stop")
    assert (answer.nll_answer, answer.nll_reference, answer.first_token_s) == (None, None, None)


async def test_log_probabilities_become_the_answers_likelihood(make: Make, server: ChatServer):
    tokens = [{"token": "a", "logprob": logprob, "bytes": None, "top_logprobs": []} for logprob in (-0.5, -1.5)]
    server.choice = {"logprobs": {"content": tokens, "refusal": None}}
    engine = await make(logprobs=True)

    answer = await engine.answer(ask())

    assert math.isclose(answer.nll_answer, 1.0)
    assert server.received[0]["logprobs"] is True


def continuing(text: str = "Once upon", *, max_tokens: int = 20, **asked: Any) -> Request:
    sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
    messages = (Message(role="user", content=text),)
    return Request("1", "cloud", messages, sampling, completion=Completion(**asked))


async def test_a_completion_goes_to_the_legacy_endpoint_as_it_stands(make: Make, server: ChatServer):
    engine = await make(extra_body={"service_tier": "flex"}, max_tokens_field="max_completion_tokens")

    await engine.answer(continuing(echo=True, logprobs=2))

    assert server.received == [
        {
            "model": "gpt-test",
            "prompt": "Once upon",
            "temperature": 0.0,
            "max_tokens": 20,
            "echo": True,
            "logprobs": 2,
            "service_tier": "flex",
        }
    ]


async def test_an_echo_alone_asks_for_no_token(make: Make, server: ChatServer):
    engine = await make()

    await engine.answer(continuing(echo=True, echo_only=True, max_tokens=1))

    assert server.received[0]["max_tokens"] == 0


async def test_a_completions_likelihood_is_measured_where_the_operator_wants_it(make: Make, server: ChatServer):
    engine = await make(logprobs=True)

    answer = await engine.answer(continuing(echo=True))

    assert server.received[0]["logprobs"] == 0
    assert (answer.nll_answer, answer.logprobs) == (0.5, None)


async def test_a_server_that_takes_only_chats_rejects_a_completion_and_goes_on_with_chats(
    make: Make, server: ChatServer
):
    server.only_chats = True
    engine = await make()

    with pytest.raises(PromptRejectedError, match=r"takes only chats \(HTTP 404: .*name an expert") as rejected:
        await engine.answer(continuing())

    assert rejected.value.code == "invalid_request"
    await engine.check()
    assert (await engine.answer(ask())).text


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"text": " and they lived"}, "an echo .*leave out `echo`"),
        ({"logprobs": None}, "log-probabilities .*leave out `logprobs`"),
        ({"logprobs": {"content": []}}, "log-probabilities"),
        ({"logprobs": {"tokens": ["a"], "token_logprobs": [], "top_logprobs": [], "text_offset": []}}, "log-prob"),
    ],
)
async def test_a_server_that_leaves_out_what_was_asked_for_is_not_believed(
    make: Make, server: ChatServer, choice: dict, says: str
):
    server.choice = choice
    engine = await make()

    with pytest.raises(PromptRejectedError, match=says):
        await engine.answer(continuing(echo=True, logprobs=1))


async def test_what_no_database_could_hold_is_in_no_log_probability(make: Make, server: ChatServer):
    weighed = {"tokens": ["\ud83d"], "token_logprobs": [-math.inf], "top_logprobs": [{"\0": -1.0}], "text_offset": [0]}
    server.choice = {"text": "x", "logprobs": weighed}
    engine = await make()

    answer = await engine.answer(continuing(logprobs=1))

    assert (answer.logprobs.tokens, answer.logprobs.token_logprobs) == (("\ufffd",), (-9999.0,))
    assert answer.logprobs.top_logprobs == ({"\ufffd": -1.0},)


async def test_a_missing_key_is_named_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch, server: ChatServer):
    monkeypatch.delenv("CLOUD_KEY", raising=False)

    with pytest.raises(ConfigError, match="environment variable CLOUD_KEY is empty or not set"):
        await RemoteEngine(spec(server.url)).start()

    assert server.received == []


async def test_a_server_without_a_key_gets_no_authorization(make: Make, server: ChatServer):
    engine = await make(api_key_env="")

    await engine.answer(ask())

    assert "authorization" not in server.headers[0]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, PromptRejectedError),
        (403, PromptRejectedError),
        (413, PromptRejectedError),
        (422, PromptRejectedError),
        (408, GenerationError),
        (429, EngineBusyError),
        (503, EngineBusyError),
        (500, GenerationError),
        (502, GenerationError),
    ],
)
async def test_a_status_becomes_an_error_of_ours_and_the_engine_lives_on(
    make: Make, server: ChatServer, status: int, expected: type[EngineError]
):
    server.failures = [status]
    engine = await make()

    with pytest.raises(expected, match=f"HTTP {status}"):
        await engine.answer(ask())

    await engine.check()
    assert (await engine.answer(ask())).text


@pytest.mark.parametrize("status", [401, 402, 404])
async def test_a_wrong_key_model_or_address_ends_the_engine_and_burns_no_further_prompt(
    make: Make, server: ChatServer, status: int
):
    server.failures = [status]
    engine = await make()

    with pytest.raises(EngineMisconfiguredError, match=f"HTTP {status}.*CLOUD_KEY.*gpt-test"):
        await engine.answer(ask())
    with pytest.raises(EngineDeadError):
        await engine.answer(ask())

    with pytest.raises(EngineDeadError):
        await engine.check()
    assert len(server.received) == 1


async def test_the_client_tries_again_as_often_as_it_was_told(make: Make, server: ChatServer):
    server.failures = [500, 429]
    engine = await make(max_retries=2)

    answer = await engine.answer(ask())

    assert answer.text
    assert len(server.received) == 3


async def test_a_server_that_takes_too_long_is_a_failed_attempt(make: Make, server: ChatServer):
    server.delay_s = 30
    engine = await make(timeout_s=0.2)

    with pytest.raises(GenerationError, match=r"no answer in 0\.2 s"):
        await engine.answer(ask())


async def test_a_server_that_cannot_be_reached_is_busy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLOUD_KEY", KEY)
    engine = RemoteEngine(spec("http://127.0.0.1:9/v1"))
    await engine.start()

    with pytest.raises(EngineBusyError, match="can't be reached"):
        await engine.answer(ask())

    await engine.stop()


async def test_an_answer_that_the_server_withholds_is_rejected(make: Make, server: ChatServer):
    server.choice = {"finish_reason": "content_filter"}
    engine = await make()

    with pytest.raises(PromptRejectedError) as withheld:
        await engine.answer(ask())

    assert withheld.value.code == "content_filter"


async def test_an_answer_without_usage_has_no_price_and_is_refused(make: Make, server: ChatServer):
    server.reply = {"usage": None}
    engine = await make()

    with pytest.raises(PromptRejectedError, match="no usage"):
        await engine.answer(ask())


async def test_an_answer_without_choices_is_a_failed_attempt(make: Make, server: ChatServer):
    server.reply = {"choices": []}
    engine = await make()

    with pytest.raises(GenerationError, match="no choice"):
        await engine.answer(ask())


async def test_the_key_is_in_no_error_and_in_no_log(make: Make, server: ChatServer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    server.says = f"Incorrect API key provided: {KEY}"
    engine = await make()

    said = []
    for status in (400, 429, 500, 401):
        server.failures = [status]
        said += await asyncio.gather(engine.answer(ask()), return_exceptions=True)

    assert KEY not in caplog.text
    assert len(said) == 4
    assert KEY not in "".join(map(str, said))
