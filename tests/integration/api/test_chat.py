"""Asking and waiting: OpenAI's client and plain HTTP against a real server."""

import asyncio
import time
from collections.abc import Callable, Iterator

import httpx
import openai
import pytest
from fastapi import FastAPI

from core.settings import Settings
from tests.integration.api.played import PlayedWorkers

HELLO = {"role": "user", "content": "hello"}


@pytest.fixture
def ask(url: str) -> Iterator[openai.OpenAI]:
    """OpenAI's own client."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="ignored") as client:
        yield client


def test_openais_client_gets_a_routed_answer(ask: openai.OpenAI):
    completion = ask.chat.completions.create(model="auto", messages=[HELLO])

    assert completion.object == "chat.completion"
    assert completion.id.startswith("chatcmpl-")
    assert completion.choices[0].message.content == "general: hello"
    assert completion.choices[0].finish_reason == "stop"
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (10, 5)
    assert completion.usage.total_tokens == 15
    assert completion.expert == completion.model == "general"
    assert completion.cost_usd == 0.00002
    assert abs(completion.created - time.time()) < 60


@pytest.mark.parametrize(("model", "expert"), [("math", "math"), ("auto", "general"), ("auto:best", "general")])
def test_the_model_pins_an_expert_or_asks_the_router(
    ask: openai.OpenAI, workers: PlayedWorkers, model: str, expert: str
):
    assert ask.chat.completions.create(model=model, messages=[HELLO]).expert == expert


def test_a_conversation_goes_on_with_the_message_that_the_client_got(ask: openai.OpenAI):
    first = ask.chat.completions.create(model="auto", messages=[HELLO])

    second = ask.chat.completions.create(
        model="auto", messages=[HELLO, first.choices[0].message, {"role": "user", "content": "more"}]
    )

    assert second.choices[0].message.content == "general: more"


def test_what_asks_for_nothing_is_accepted(ask: openai.OpenAI):
    completion = ask.chat.completions.create(
        model="auto",
        messages=[HELLO],
        n=1,
        stream=False,
        store=False,
        user="ann",
        tools=[],
        metadata={"a": "b"},
        logprobs=False,
        response_format={"type": "text"},
        service_tier="auto",
        parallel_tool_calls=True,
        temperature=0.2,
        max_completion_tokens=5,
    )

    assert completion.choices


def test_the_client_lists_models(ask: openai.OpenAI):
    models = list(ask.models.list())

    assert [model.id for model in models] == ["auto", "general", "math"]
    assert {model.owned_by for model in models} == {"torouter"}
    assert models[1].location == "edge"
    assert models[1].price_out_usd_per_mtok == 2.0
    assert models[1].context_tokens == 2048
    assert ask.models.retrieve("math").id == "math"
    assert ask.models.retrieve("auto").id == "auto"


def test_the_client_raises_its_own_errors(ask: openai.OpenAI, workers: PlayedWorkers):
    with pytest.raises(openai.NotFoundError, match="choose one of auto") as unknown:
        ask.chat.completions.create(model="poet", messages=[HELLO])
    with pytest.raises(openai.BadRequestError, match="stream: is not supported"):
        ask.chat.completions.create(model="auto", messages=[HELLO], stream=True)
    with pytest.raises(openai.NotFoundError):
        ask.models.retrieve("poet")

    assert unknown.value.code == "model_not_found"
    assert workers.sent == []


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("context_length_exceeded", 400),
        ("content_filter", 400),
        ("invalid_request", 400),
        ("generation_failed", 502),
        ("usage_missing", 502),
        ("worker_lost", 502),
    ],
)
def test_a_failed_prompt_is_an_error_with_its_code_and_id_and_is_not_asked_again(
    ask: openai.OpenAI, workers: PlayedWorkers, code: str, status: int
):
    workers.failure = (code, "it did not work")

    with pytest.raises(openai.APIStatusError, match="it did not work") as failed:
        ask.chat.completions.create(model="auto", messages=[HELLO])

    assert failed.value.status_code == status
    assert failed.value.code == code
    [sent] = workers.sent
    assert failed.value.body["prompt_id"] == sent.prompt_ids[0]


class TestAShortWait:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"wait_s": 0.2})

    def test_is_not_asked_again_and_its_answer_can_be_fetched(
        self, url: str, ask: openai.OpenAI, workers: PlayedWorkers
    ):
        workers.hold()
        with pytest.raises(openai.APIStatusError) as late:
            ask.chat.completions.create(model="auto", messages=[HELLO])
        workers.release()
        while (answer := httpx.get(f"{url}{late.value.body['url']}").json())["state"] != "done":
            time.sleep(0.05)

        assert late.value.status_code == 504
        assert len(workers.sent) == 1
        assert answer["id"] == late.value.body["prompt_id"]
        assert answer["answer"] == "general: hello"


def test_the_papers_example_is_answered_with_the_expert(url: str):
    body = '{"messages":[{"role":"user","content":"Test"}]}'

    answer = httpx.post(f"{url}/predict", content=body, headers={"Content-Type": "application/json"}).json()

    assert answer["expert"] == "general"
    assert answer["choices"][0]["message"]["content"] == "general: Test"
    assert answer["prompt_id"].startswith("prompt_")


async def until(holds: Callable[[], bool]) -> None:
    """Look, for half a minute at most, whether something holds."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  # what it looks at is in another thread
            await asyncio.sleep(0.01)


async def test_a_client_that_leaves_is_no_longer_waited_for(app: FastAPI, url: str, workers: PlayedWorkers):
    workers.hold()
    waiting = app.state.parts.waiting
    async with httpx.AsyncClient() as client:
        asks = [asyncio.create_task(client.post(f"{url}/predict", json={"messages": [HELLO]})) for _ in range(20)]
        await until(lambda: len(waiting.names) == 20)

        for ask in asks:
            ask.cancel()
        await asyncio.gather(*asks, return_exceptions=True)

    await until(lambda: not waiting.names)


async def test_a_client_that_leaves_while_it_sends_disturbs_nobody(url: str):
    port = int(url.rsplit(":", 1)[1])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    headers = b"Host: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
    writer.write(b"POST /predict HTTP/1.1\r\n" + headers + b"\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{url}/predict", json={"messages": [HELLO]})).status_code == 200


def test_a_streamed_body_over_the_limit_is_refused_by_a_real_server(url: str):
    parts = (b" " * 65_536 for _ in range(1000))

    response = httpx.post(f"{url}/v1/prompts", content=parts, headers={"Content-Type": "application/json"})

    assert response.status_code == 413
