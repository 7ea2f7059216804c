"""Continuing texts: OpenAI's client against a real server, and what lm-eval reads of the answer."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types import Completion

from core.settings import Settings
from core.store import Store
from tests.integration.api.played import PlayedWorkers


@pytest.fixture
def ask(url: str) -> Iterator[openai.OpenAI]:
    """OpenAI's own client."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="ignored") as client:
        yield client


def test_openais_client_gets_a_routed_continuation(ask: openai.OpenAI):
    completion = ask.completions.create(model="auto", prompt="Once upon")

    assert Completion.model_validate_json(completion.model_dump_json(), strict=True)
    assert completion.object == "text_completion"
    assert completion.id.startswith("cmpl-")
    assert abs(completion.created - time.time()) < 60
    [choice] = completion.choices
    assert (choice.index, choice.text, choice.finish_reason, choice.logprobs) == (0, " general", "length", None)
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (10, 5)
    assert completion.usage.total_tokens == 15
    assert completion.model == completion.expert == choice.expert == "general"
    assert completion.cost_usd == 0.00002


def test_its_prompt_can_be_looked_at_afterwards(url: str, ask: openai.OpenAI):
    completion = ask.completions.create(model="auto:best", prompt="Once upon")

    [prompt_id] = completion.prompt_ids
    stored = httpx.get(f"{url}/v1/prompts/{prompt_id}").json()
    assert stored["messages"] == [{"role": "user", "content": "Once upon"}]
    assert stored["answer"] == " general"


def test_texts_are_one_submission_with_a_choice_each_in_the_order_sent(ask: openai.OpenAI, workers: PlayedWorkers):
    texts = [f"text {number}" for number in range(128)]

    completion = ask.completions.create(model="math", prompt=texts, echo=True, max_tokens=1)

    assert [choice.text for choice in completion.choices] == [f"{text} math" for text in texts]
    assert [choice.index for choice in completion.choices] == list(range(128))
    [submitted] = workers.sent
    assert completion.prompt_ids == submitted.prompt_ids
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (1280, 640)
    assert completion.cost_usd == pytest.approx(128 * 0.00002)


def test_above_the_choices_an_expert_stands_only_where_it_gave_them_all(ask: openai.OpenAI, workers: PlayedWorkers):
    alike = ask.completions.create(model="auto", prompt=["a", "b"])
    workers.by_text = {"sums": "math"}
    mixed = ask.completions.create(model="auto", prompt=["a", "sums"])

    assert (alike.expert, alike.model) == ("general", "general")
    assert (mixed.expert, mixed.model) == (None, "auto")
    assert [choice.expert for choice in mixed.choices] == ["general", "math"]


def test_what_lm_eval_asks_for_is_there_to_be_summed(ask: openai.OpenAI):
    completion = ask.completions.create(
        model="general", prompt=["Is it?", "Or?"], temperature=0, max_tokens=1, logprobs=1, seed=1234, echo=True
    )

    for choice, text in zip(completion.choices, ("Is it?", "Or?"), strict=True):
        weighed = choice.logprobs
        assert weighed.tokens == [text, " general"]
        assert weighed.text_offset == [0, len(text)]
        assert (weighed.token_logprobs, weighed.top_logprobs) == ([None, -0.5], [None, {" general": -0.5}])


def test_no_token_at_all_goes_with_an_echo(ask: openai.OpenAI):
    completion = ask.completions.create(model="general", prompt="Weigh me", max_tokens=0, echo=True, logprobs=0)

    assert completion.choices[0].text == "Weigh me"
    assert completion.choices[0].logprobs.tokens == ["Weigh me"]


def test_what_asks_for_nothing_is_accepted(ask: openai.OpenAI):
    completion = ask.completions.create(
        model="auto",
        prompt="a",
        n=1,
        best_of=1,
        stream=False,
        echo=False,
        logprobs=None,
        logit_bias={},
        suffix=None,
        user="ann",
        temperature=0.2,
        top_p=0.9,
        stop=["\n"],
        presence_penalty=0.1,
        frequency_penalty=0.1,
    )

    assert completion.choices


@pytest.mark.parametrize(
    ("sent", "stored"),
    [({}, 16), ({"max_tokens": None}, 16), ({"max_tokens": 3}, 3), ({"max_completion_tokens": 4}, 4)],
)
async def test_sixteen_tokens_are_the_most_unless_it_says_otherwise(
    client: httpx.AsyncClient, workers: PlayedWorkers, sent: dict[str, Any], stored: int
):
    await client.post("/v1/completions", json={"prompt": "a", **sent})

    [item] = workers.generated
    assert (item.sampling.max_tokens, item.completion.echo_only) == (stored, False)


async def test_no_model_is_the_router(client: httpx.AsyncClient):
    answer = (await client.post("/v1/completions", json={"prompt": "a"})).json()

    assert answer["expert"] == "general"


@pytest.mark.parametrize(("code", "status"), [("context_length_exceeded", 400), ("generation_failed", 502)])
def test_one_that_failed_is_the_error_of_all_and_is_not_asked_again(
    ask: openai.OpenAI, workers: PlayedWorkers, code: str, status: int
):
    workers.failure = (code, "it did not work")

    with pytest.raises(openai.APIStatusError, match="it did not work") as failed:
        ask.completions.create(model="auto", prompt=["a", "b"])

    assert (failed.value.status_code, failed.value.code) == (status, code)
    [sent] = workers.sent
    assert failed.value.body["prompt_id"] == sent.prompt_ids[0]


class TestAShortWait:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"wait_s": 0.2})

    def test_names_every_prompt_that_can_be_fetched_later(
        self, ask: openai.OpenAI, workers: PlayedWorkers, api_store: Store
    ):
        workers.hold()

        with pytest.raises(openai.APIStatusError, match="and 2 more have not all ended") as late:
            ask.completions.create(model="auto", prompt=["a", "b", "c"])

        assert late.value.status_code == 504
        [sent] = workers.sent
        assert late.value.body["prompt_ids"] == sent.prompt_ids


async def test_a_client_that_leaves_is_no_longer_waited_for(app: Any, url: str, workers: PlayedWorkers):
    workers.hold()
    waiting = app.state.parts.waiting
    async with httpx.AsyncClient() as client:
        ask = asyncio.create_task(client.post(f"{url}/v1/completions", json={"prompt": ["a", "b", "c"]}))
        await until(lambda: len(waiting.names) == 3)

        ask.cancel()
        await asyncio.gather(ask, return_exceptions=True)

    await until(lambda: not waiting.names)


async def until(holds: Any) -> None:
    """Look, for half a minute at most, whether something holds."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  # what it looks at is in another thread
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({}, "prompt", "is required"),
        ({"prompt": None}, "prompt", "prompt"),
        ({"prompt": ""}, "prompt.0", "at least 1 character"),
        ({"prompt": []}, "prompt", "at least 1 item"),
        ({"prompt": ["a"] * 129}, "prompt", "at most 128 items"),
        ({"prompt": ["a", ""]}, "prompt.1", "at least 1 character"),
        ({"prompt": [1, 2, 3]}, "prompt", "tokenized_requests=False"),
        ({"prompt": [[1, 2], [3]]}, "prompt", "send text"),
        ({"prompt": ["a", "\x00"]}, "prompt.1", "NUL"),
        ({"prompt": "a", "max_tokens": 0}, "max_tokens", "goes only with `echo`"),
        ({"prompt": "a", "max_tokens": -1}, "max_tokens", "(it is -1)"),
        ({"prompt": "a", "max_tokens": 0, "echo": True, "max_completion_tokens": 5}, "max_tokens", "send one of them"),
        ({"prompt": "a", "logprobs": 6}, "logprobs", "(it is 6)"),
        ({"prompt": "a", "logprobs": True}, "logprobs", "valid integer"),
        ({"prompt": "a", "messages": []}, "messages", "known are echo"),
        ({"prompt": "a", "stream": True}, "stream", "not supported"),
        ({"prompt": "a", "stream_options": {"include_usage": True}}, "stream_options", "not supported"),
        ({"prompt": "a", "n": 2}, "n", "not supported"),
        ({"prompt": "a", "best_of": 3}, "best_of", "not supported"),
        ({"prompt": "a", "suffix": "z"}, "suffix", "not supported"),
        ({"prompt": "a", "logit_bias": {"50256": -100}}, "logit_bias", "not supported"),
    ],
)
async def test_a_wrong_field_is_named_with_its_cure(
    client: httpx.AsyncClient, workers: PlayedWorkers, body: dict[str, Any], param: str, says: str
):
    response = await client.post("/v1/completions", content=json.dumps(body))

    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, param)
    assert error["message"].startswith(f"{param}: ")
    assert says in error["message"]
    assert workers.sent == []


async def test_an_unknown_model_is_not_found(client: httpx.AsyncClient):
    response = await client.post("/v1/completions", json={"model": "poet", "prompt": "a"})

    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
