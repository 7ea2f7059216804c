"""A real vLLM with real weights (SmolLM2-135M): what an answer carries, what is refused, what is shared, what is ended.

Two engines are started, half a minute each: one expert with its adapter merged, and three experts on one base with
adapters at run time. TOROUTER_TEST_CACHE names a folder in which the prepared weights outlive the run.
"""

import asyncio
import gc
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from core.errors import EngineDeadError, PromptRejectedError
from core.schemas.conversation import Completion, Message, Sampling
from core.schemas.experts import ExpertSpec, Limits
from experts import catalogue
from experts.engine import Answer, Request
from experts.vllm_engine import VllmEngine
from experts.weights import prepare

pytestmark = [
    pytest.mark.engines,
    # vLLM's AsyncLLM lives on one loop, and is shared by the tests of this module.
    pytest.mark.asyncio(loop_scope="module"),
    # vLLM, torch and what they import warn about their own innards.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    # vLLM leaves sockets and pipes of its processes to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collected"),
]

QUESTION = "A farmer has 12 cows and buys 5 more. How many cows does the farmer have now?"
REFERENCE = "The farmer has 12 + 5 = 17 cows. The answer is 17."
GSM8K_STYLE = "The farmer has 12 + 5 = <<12+5=17>>17 cows.\n#### 17"
LONG_STORY = "Write a very long story about a ship, an island and a storm. Tell every detail."
CONTEXT = 512


@pytest.fixture(scope="module")
def collected() -> Iterator[None]:
    """What vLLM left to the garbage collector is collected here, and not where warnings are errors again."""
    yield
    with warnings.catch_warnings(action="ignore"):
        gc.collect()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def math_engine(collected: None, cache: Path) -> AsyncIterator[VllmEngine]:
    """One expert, its adapter merged, with two places for bulk work and one for interactive."""
    async for engine in started([spec("math", limits=Limits(bulk_places=2, interactive_places=1))], cache):
        yield engine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_engine(collected: None, cache: Path) -> AsyncIterator[VllmEngine]:
    """Three experts in one engine: the base, and two adapters loaded at run time."""
    async for engine in started([spec("general"), spec("math"), spec("code")], cache):
        yield engine


async def started(specs: list[ExpertSpec], cache: Path) -> AsyncIterator[VllmEngine]:
    engine = VllmEngine(specs, cache)
    await engine.start()
    yield engine
    await engine.stop()


def spec(name: str, **changes: Any) -> ExpertSpec:
    shipped = {each.name: each for each in catalogue.load(catalogue.SHIPPED)}
    return shipped[name].model_copy(update={"context_tokens": CONTEXT, **changes})


def ask(content: str = QUESTION, *, expert: str = "math", interactive: bool = False, **more: Any) -> Request:
    reference = more.pop("reference", None)
    sampling = Sampling(**{"temperature": 0.0, "max_tokens": 60, **more})
    messages = (Message(role="user", content=content),)
    return Request(f"{expert}-{time.monotonic_ns()}", expert, messages, sampling, reference, interactive)


async def test_an_answer_carries_text_tokens_times_and_likelihoods(math_engine: VllmEngine):
    answer = await math_engine.answer(ask(reference=REFERENCE))

    assert "17" in answer.text
    assert answer.finish_reason == "stop"
    assert 20 < answer.input_tokens < 100
    assert 5 < answer.output_tokens < 60
    assert 0 < answer.nll_answer < 2
    assert 0 < answer.nll_reference < 5
    assert 0 < answer.inference_s < 60
    assert 0 <= answer.queue_s < 10
    assert answer.queue_s < answer.first_token_s <= answer.queue_s + answer.inference_s + 1


async def test_the_references_likelihood_is_that_of_transformers(math_engine: VllmEngine, cache: Path):
    answer = await math_engine.answer(ask(reference=REFERENCE))

    expected = transformers_nll(prepare(spec("math"), cache).model, QUESTION, REFERENCE)
    assert answer.nll_reference == pytest.approx(expected, rel=0.03)


def transformers_nll(model: str, prompt: str, reference: str) -> float:
    """Nats per token of the reference after a chat, by a plain forward pass in fp32."""
    from transformers import AutoTokenizer  # noqa: PLC0415  # heavy, for this test alone

    asked = [{"role": "user", "content": prompt}]
    chat = AutoTokenizer.from_pretrained(model).apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
    return nll_after(model, chat, reference)


def nll_after(model: str, text: str, reference: str) -> float:
    """The same after a text as it stands."""
    import torch  # noqa: PLC0415  # as above
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415  # as above

    tokenizer = AutoTokenizer.from_pretrained(model)
    before = tokenizer(text, add_special_tokens=False)["input_ids"]
    after = tokenizer(reference, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)(torch.tensor([before + after])).logits
    said = logits[0, len(before) - 1 : -1].log_softmax(-1)
    return -said.gather(1, torch.tensor(after)[:, None]).mean().item()


async def test_a_reference_that_does_not_fit_the_context_has_no_likelihood(math_engine: VllmEngine):
    answer = await math_engine.answer(ask(reference="many words " * CONTEXT))

    assert answer.nll_reference is None
    assert answer.text


async def test_a_prompt_longer_than_the_context_is_refused_with_its_length_and_the_cure(math_engine: VllmEngine):
    with pytest.raises(PromptRejectedError, match=rf"has \d+ tokens, and math takes at most {CONTEXT} .*shorten") as it:
        await math_engine.answer(ask("word " * CONTEXT))

    assert it.value.code == "context_length_exceeded"


async def test_an_answer_ends_with_its_length_at_max_tokens_and_at_the_contexts_end(math_engine: VllmEngine):
    short, longest = await asyncio.gather(
        math_engine.answer(ask(LONG_STORY, max_tokens=7)),
        math_engine.answer(ask("word " * (CONTEXT - 60), max_tokens=CONTEXT, frequency_penalty=1.0, stop=None)),
    )

    assert (short.finish_reason, short.output_tokens) == ("length", 7)
    assert longest.input_tokens + longest.output_tokens <= CONTEXT


async def test_a_stop_string_ends_the_answer_before_it(math_engine: VllmEngine):
    whole = await math_engine.answer(ask())
    word = whole.text.split()[3]

    cut = await math_engine.answer(ask(stop=(word,)))

    assert cut.finish_reason == "stop"
    assert word not in cut.text
    assert whole.text.startswith(cut.text)


async def test_a_seed_makes_a_sampled_answer_repeatable(math_engine: VllmEngine):
    one, same, other = [await math_engine.answer(ask(LONG_STORY, temperature=1.0, seed=seed)) for seed in (1, 1, 2)]

    assert one.text == same.text
    assert one.text != other.text


STORY = "Once upon a time there was a café 🦜 on the"


def continuing(text: str = STORY, *, expert: str = "math", max_tokens: int = 6, **asked: Any) -> Request:
    sampling = Sampling(temperature=0.0, max_tokens=max_tokens, stop=asked.pop("stop", None))
    messages = (Message(role="user", content=text),)
    name = f"{expert}-{time.monotonic_ns()}"
    return Request(name, expert, messages, sampling, asked.pop("reference", None), completion=Completion(**asked))


async def test_a_completion_goes_on_with_the_bare_text(math_engine: VllmEngine, cache: Path):
    answer = await math_engine.answer(continuing("The capital of France is", max_tokens=3))

    assert answer.text.startswith(" Paris")
    assert (answer.input_tokens, answer.output_tokens, answer.finish_reason) == (5, 3, "length")
    assert answer.nll_answer > 0
    assert answer.logprobs is None


async def test_an_echo_comes_before_the_same_continuation(math_engine: VllmEngine):
    plain, echoed = [await math_engine.answer(continuing(echo=echo)) for echo in (False, True)]

    assert echoed.text == STORY + plain.text
    assert echoed.output_tokens == plain.output_tokens


async def test_tokens_of_echo_and_continuation_are_the_text_and_know_their_places(math_engine: VllmEngine):
    answer = await math_engine.answer(continuing(echo=True, logprobs=5))

    weighed = answer.logprobs
    assert "".join(weighed.tokens) == answer.text
    assert len(weighed.tokens) == answer.input_tokens + answer.output_tokens
    places = zip(weighed.tokens, weighed.text_offset, strict=True)
    assert [answer.text[at : at + len(token)] for token, at in places] == list(weighed.tokens)
    assert (weighed.token_logprobs[0], weighed.top_logprobs[0]) == (None, None)
    assert max(len(top) for top in weighed.top_logprobs[1:]) == 6  # five, and the text's own where it is none of them


async def test_a_greedy_token_is_the_likeliest_of_its_place(math_engine: VllmEngine):
    answer = await math_engine.answer(continuing(logprobs=1))

    weighed = answer.logprobs
    assert [max(top, key=top.get) for top in weighed.top_logprobs] == list(weighed.tokens)
    assert [max(top.values()) for top in weighed.top_logprobs] == list(weighed.token_logprobs)
    assert answer.nll_answer == pytest.approx(-sum(weighed.token_logprobs) / answer.output_tokens)


async def test_an_echo_weighs_a_text_as_a_reference_is_weighed_and_as_transformers_do(
    math_engine: VllmEngine, cache: Path
):
    question, given = "Question: How many legs has a spider?\nAnswer:", " A spider has eight legs."

    echo = await math_engine.answer(continuing(question + given, echo=True, logprobs=1, echo_only=True, max_tokens=1))
    reference = await math_engine.answer(continuing(question, reference=given))

    at = echo.logprobs.text_offset.index(len(question))
    own = echo.logprobs.token_logprobs[at:]
    assert echo.text == question + given
    assert (echo.output_tokens, echo.finish_reason, echo.nll_answer) == (0, "length", None)
    assert -sum(own) / len(own) == pytest.approx(reference.nll_reference, rel=0.03)
    expected = nll_after(prepare(spec("math"), cache).model, question, given)
    assert -sum(own) / len(own) == pytest.approx(expected, rel=0.03)


async def test_what_ends_a_continuation_is_among_its_tokens_and_not_in_its_text(math_engine: VllmEngine):
    asked = "<|im_start|>user\nWhat is 2 + 2?<|im_end|>\n<|im_start|>assistant\n"

    answer = await math_engine.answer(continuing(asked, max_tokens=60, logprobs=0, echo=True))
    stopped = await math_engine.answer(continuing(stop=(" the",), max_tokens=30, logprobs=0))

    assert answer.finish_reason == "stop"
    assert answer.text.startswith(asked)
    assert "".join(answer.logprobs.tokens) == f"{answer.text}<|im_end|>"
    assert answer.logprobs.text_offset[-1] == len(answer.text)
    assert " the" not in stopped.text
    assert len(stopped.logprobs.tokens) == stopped.output_tokens


async def test_a_text_longer_than_the_context_is_refused(math_engine: VllmEngine):
    with pytest.raises(PromptRejectedError) as refused:
        await math_engine.answer(continuing("word " * CONTEXT, echo=True, logprobs=1))

    assert refused.value.code == "context_length_exceeded"


async def test_interactive_work_finds_a_place_while_bulk_work_waits_for_its_own(math_engine: VllmEngine):
    bulk = [asyncio.create_task(math_engine.answer(ask(LONG_STORY, max_tokens=80, seed=i))) for i in range(6)]
    await asyncio.sleep(0.2)

    interactive = await math_engine.answer(ask(interactive=True, max_tokens=5))

    assert sum(task.done() for task in bulk) < 3
    waits = sorted(answer.queue_s for answer in await asyncio.gather(*bulk))
    assert interactive.queue_s < 0.5
    assert waits[1] < 0.5 < waits[3] < waits[5]


async def test_a_cancelled_request_is_aborted_and_its_place_is_free_again(math_engine: VllmEngine):
    bulk = [asyncio.create_task(math_engine.answer(ask(LONG_STORY, max_tokens=400))) for _ in range(2)]
    await asyncio.sleep(0.5)

    for task in bulk:
        task.cancel()
    await asyncio.gather(*bulk, return_exceptions=True)

    assert all(task.cancelled() for task in bulk)
    assert math_engine._llm.get_num_unfinished_requests() == 0
    assert (await math_engine.answer(ask(max_tokens=5))).queue_s < 0.5


async def test_an_adapter_answers_the_same_merged_and_at_run_time(math_engine: VllmEngine, shared_engine: VllmEngine):
    merged = await math_engine.answer(ask(reference=REFERENCE))
    at_run_time = await shared_engine.answer(ask(reference=REFERENCE))

    assert similar(merged, at_run_time)
    assert at_run_time.nll_reference == pytest.approx(merged.nll_reference, rel=0.05)


def similar(one: Answer, other: Answer) -> bool:
    """Whether both begin alike: bf16 rounds a merged weight otherwise than a sum, and greedy answers may part later."""
    return one.text.split()[:6] == other.text.split()[:6]


async def test_experts_that_share_an_engine_answer_each_with_its_own_weights(shared_engine: VllmEngine, cache: Path):
    names = ("general", "math", "code")

    answers = await asyncio.gather(*(shared_engine.answer(ask(expert=name, reference=GSM8K_STYLE)) for name in names))

    expected = [transformers_nll(prepare(spec(name), cache).model, QUESTION, GSM8K_STYLE) for name in names]
    assert [answer.nll_reference for answer in answers] == pytest.approx(expected, rel=0.05)
    assert expected[1] < 0.5 * min(expected[0], expected[2])
    assert answers[0].text != answers[1].text


async def test_experts_that_share_an_engine_weigh_an_echo_together(shared_engine: VllmEngine, cache: Path):
    names = ("general", "math", "code")

    answers = await asyncio.gather(
        *(shared_engine.answer(continuing(GSM8K_STYLE, expert=name, echo=True, logprobs=1)) for name in names)
    )

    sums = [sum(one.logprobs.token_logprobs[1 : one.input_tokens]) for one in answers]
    assert len(set(sums)) == 3
    assert max(sums) == sums[1]


async def test_a_megabyte_of_text_is_refused_before_it_is_tokenized(shared_engine: VllmEngine):
    with pytest.raises(PromptRejectedError, match="over") as refused:  # it would be a count where it was counted
        await shared_engine.answer(ask("word " * 200_000))

    assert refused.value.code == "context_length_exceeded"


async def test_a_stopped_engine_core_says_nothing_until_it_goes_on(shared_engine: VllmEngine):
    await shared_engine.check()
    cores = engine_cores()
    for process in cores:
        process.suspend()
    try:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(shared_engine.check(), 2)
    finally:
        for process in cores:
            process.resume()

    await asyncio.wait_for(shared_engine.check(), 20)


# The last with this engine, which it ends.
async def test_a_killed_engine_core_fails_what_runs_and_what_comes(shared_engine: VllmEngine):
    running = asyncio.create_task(shared_engine.answer(ask(LONG_STORY, max_tokens=400)))
    await asyncio.sleep(0.5)

    for process in engine_cores():
        process.kill()

    with pytest.raises(EngineDeadError):
        await asyncio.wait_for(running, 20)
    with pytest.raises(EngineDeadError):
        await shared_engine.check()
    with pytest.raises(EngineDeadError):
        await shared_engine.answer(ask())


def engine_cores() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [one for one in children if "VLLM" in one.name() or "EngineCore" in one.name()]
