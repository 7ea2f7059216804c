"""What every engine promises, tried on each that runs without weights; tests/acceptance tries vLLM."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigError, EngineDeadError, GenerationError, PromptRejectedError
from core.schemas.conversation import Completion, Message, Sampling
from core.schemas.experts import ExpertSpec, Limits
from experts.engine import Engine, Logprobs, Request
from experts.engines import create
from tests.unit.chat_server import ChatServer

Make = Callable[..., Awaitable[Engine]]

PRICES = {"price_in_usd_per_mtok": 1, "price_out_usd_per_mtok": 2}


@pytest.fixture(params=["synthetic", "openai"])
async def make(request: pytest.FixtureRequest):
    """Makes a started engine of each kind, which takes `delay_s` over an answer."""
    made: list[Engine] = []
    with ChatServer() as server:

        async def start(*, delay_s: float = 0.0, **changes: Any):
            server.delay_s = delay_s
            options = {
                "synthetic": {"first_token_s": server.delay_s, "token_s": 0, "tokens": 5},
                "openai": {"base_url": server.url, "api_key_env": "", "max_retries": 0},
            }[request.param]
            engine = create([spec(request.param, options, **changes)], Path("unused"))
            await engine.start()
            made.append(engine)
            return engine

        yield start
        for engine in made:
            await engine.stop()


def spec(kind: str, options: dict | None = None, **changes: Any) -> ExpertSpec:
    fields = {"name": "one", "engine": kind, "model": "m", "context_tokens": 64, "options": options or {}, **PRICES}
    return ExpertSpec.model_validate(fields | changes)


def ask(
    content: str = "Say something.", *, interactive: bool = False, timeout_s: float | None = None, **sampling: Any
) -> Request:
    drawn = Sampling(**{"temperature": 0.0, "max_tokens": 20, **sampling})
    messages = (Message(role="user", content=content),)
    return Request("id", "one", messages, drawn, interactive=interactive, timeout_s=timeout_s)


async def test_an_answer_has_text_tokens_and_times(make: Make):
    engine = await make()

    answer = await engine.answer(ask())

    assert answer.text
    assert answer.finish_reason in ("stop", "length")
    assert answer.input_tokens > 0
    assert answer.output_tokens > 0
    assert answer.inference_s >= 0
    assert answer.queue_s >= 0


async def test_max_tokens_bounds_an_answer(make: Make):
    engine = await make()

    answer = await engine.answer(ask(max_tokens=1))

    assert (answer.output_tokens, answer.finish_reason) == (1, "length")


async def test_a_prompt_longer_than_the_context_is_refused(make: Make):
    engine = await make()

    with pytest.raises(PromptRejectedError) as refused:
        await engine.answer(ask("word " * 100))

    assert refused.value.code == "context_length_exceeded"


def continuing(text: str = "Once upon a time", *, max_tokens: int = 20, **asked: Any) -> Request:
    messages = (Message(role="user", content=text),)
    sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
    return Request("id", "one", messages, sampling, completion=Completion(**asked))


async def test_a_completion_goes_on_with_its_text_and_has_no_chat_around_it(make: Make):
    engine = await make()

    answer = await engine.answer(continuing(max_tokens=2))

    assert answer.text.startswith(" ")
    assert (answer.input_tokens, answer.output_tokens, answer.finish_reason) == (4, 2, "length")
    assert answer.logprobs is None


async def test_an_echo_comes_before_what_would_be_said_without_it(make: Make):
    engine = await make()

    plain, echoed = [await engine.answer(continuing(echo=echo)) for echo in (False, True)]

    assert echoed.text == f"Once upon a time{plain.text}"
    assert (echoed.output_tokens, echoed.nll_answer) == (plain.output_tokens, plain.nll_answer)


@pytest.mark.parametrize("echo", [False, True])
async def test_log_probabilities_belong_to_tokens_that_together_are_the_text(make: Make, *, echo: bool):
    engine = await make()

    answer = await engine.answer(continuing(echo=echo, logprobs=1))

    weighed = answer.logprobs
    assert "".join(weighed.tokens) == answer.text
    assert len(weighed.tokens) == answer.output_tokens + (answer.input_tokens if echo else 0)
    assert [answer.text[at : at + len(token)] for token, at in pairs(weighed)] == list(weighed.tokens)
    own = weighed.token_logprobs[-answer.output_tokens :]
    assert answer.nll_answer == pytest.approx(-sum(own) / len(own))


async def test_a_likeliest_token_is_there_for_each_but_the_first_of_an_echo(make: Make):
    engine = await make()

    weighed = (await engine.answer(continuing(echo=True, logprobs=1))).logprobs

    assert (weighed.token_logprobs[0], weighed.top_logprobs[0]) == (None, None)
    for token, own, top in list(zip(weighed.tokens, weighed.token_logprobs, weighed.top_logprobs, strict=True))[1:]:
        assert top[token] == own
        assert max(top, key=top.get) == token


async def test_an_echo_alone_weighs_its_text_and_says_nothing(make: Make):
    engine = await make()

    answer = await engine.answer(continuing(max_tokens=1, echo=True, logprobs=0, echo_only=True))

    assert answer.text == "Once upon a time"
    assert answer.logprobs.tokens == ("Once", " upon", " a", " time")
    assert (answer.output_tokens, answer.finish_reason, answer.nll_answer) == (0, "length", None)


def pairs(weighed: Logprobs) -> zip:
    """Tokens and their places in the text."""
    return zip(weighed.tokens, weighed.text_offset, strict=True)


async def test_bulk_work_waits_for_its_places_and_leaves_interactive_ones_free(make: Make):
    engine = await make(delay_s=30, limits=Limits(bulk_places=1, interactive_places=1))
    running = [asyncio.create_task(engine.answer(ask())) for _ in range(3)]
    await until(engine._places._bulk.locked)

    running.append(asyncio.create_task(engine.answer(ask(interactive=True))))

    await until(engine._places._interactive.locked)
    await cancelled(running)


async def test_a_cancelled_answer_frees_its_place(make: Make):
    engine = await make(delay_s=30, limits=Limits(bulk_places=1, interactive_places=1))
    running = asyncio.create_task(engine.answer(ask()))
    await until(engine._places._bulk.locked)

    await cancelled([running])

    assert not engine._places._bulk.locked()


async def test_an_answer_that_takes_too_long_in_its_place_is_a_failed_attempt(make: Make):
    engine = await make(delay_s=30)

    with pytest.raises(GenerationError, match=r"no answer within 0\.2 s"):
        await engine.answer(ask(timeout_s=0.2))


async def test_the_wait_for_a_place_takes_no_time_from_the_answer(make: Make):
    engine = await make(delay_s=0.5, limits=Limits(bulk_places=1))

    answers = await asyncio.gather(*(engine.answer(ask(timeout_s=1.9)) for _ in range(5)))

    assert max(answer.queue_s for answer in answers) > 1.9


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # what it waits for has no event
            await asyncio.sleep(0.01)


async def cancelled(tasks: list[asyncio.Task]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks)


async def test_a_running_engine_passes_its_check_and_stops_twice(make: Make):
    engine = await make()

    await engine.check()

    await engine.stop()
    await engine.stop()


def test_experts_that_differ_in_more_than_their_adapter_cannot_share_an_engine():
    general, other = (spec("vllm", {"kv_cache_gib": size}, name=f"e{size}") for size in (1, 2))

    with pytest.raises(
        ConfigError, match=r"e1 and e2 can't share one engine: their options differ .*'kv_cache_gib': 2"
    ):
        create([general, other], Path("unused"))


def test_only_vllm_serves_several_experts():
    with pytest.raises(ConfigError, match="a, b can't share one engine"):
        create([spec("synthetic", name="a"), spec("synthetic", name="b")], Path("unused"))


def test_no_expert_is_no_engine():
    with pytest.raises(ConfigError, match="at least one expert"):
        create([], Path("unused"))


async def test_a_vllm_engine_that_was_not_started_is_dead():
    engine = create([spec("vllm")], Path("unused"))

    with pytest.raises(EngineDeadError, match="start it"):
        await engine.answer(ask())


def test_importing_the_engines_imports_neither_torch_nor_vllm():
    modules = "catalogue device engine engines options orphans places remote synthetic vllm_calls vllm_engine weights"
    code = "; ".join(f"import experts.{name}" for name in modules.split())
    heavy = "{'torch', 'vllm', 'transformers', 'peft', 'openai', 'celery', 'sqlalchemy', 'fastapi'}"

    found = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(sorted({heavy} & set(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    assert found.stdout == "[]\n"
