"""The synthetic expert: the same question, the same answer; as slow as it was told; broken on demand."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import EngineBusyError, EngineDeadError, GenerationError, PromptRejectedError
from core.schemas.conversation import Completion, Message, Sampling
from core.schemas.experts import ExpertSpec
from experts.engine import Request
from experts.synthetic import SyntheticEngine


def engine(**options: Any) -> SyntheticEngine:
    at_once = {"first_token_s": 0, "token_s": 0}
    return SyntheticEngine(
        ExpertSpec(
            name="pretend",
            engine="synthetic",
            model="none",
            price_in_usd_per_mtok=1,
            price_out_usd_per_mtok=1,
            context_tokens=500,
            options=at_once | options,
        )
    )


def ask(content: str = "Why?", *, name: str = "1", reference: str | None = None, **sampling: Any) -> Request:
    drawn = Sampling(**{"temperature": 0.0, "max_tokens": 200, **sampling})
    return Request(name, "pretend", (Message(role="user", content=content),), drawn, reference)


async def test_two_engines_give_the_same_answer_to_the_same_question():
    one, other = await engine().answer(ask(name="1")), await engine().answer(ask(name="2"))

    assert (one.text, one.output_tokens, one.nll_answer) == (other.text, other.output_tokens, other.nll_answer)


async def test_another_seed_gives_another_answer():
    assert (await engine(seed=1).answer(ask())).text != (await engine(seed=2).answer(ask())).text


async def test_it_takes_as_long_as_its_model_says():
    answer = await engine(first_token_s=0.1, token_s=0.01, tokens=20).answer(ask(max_tokens=11))

    assert answer.output_tokens <= 11
    assert 0.1 <= answer.first_token_s < answer.inference_s
    assert answer.inference_s >= 0.1 + 0.01 * (answer.output_tokens - 1)


@pytest.mark.parametrize(("quality", "repeats"), [(0.0, 0), (1.0, 1)])
async def test_quality_is_the_share_of_the_reference_that_it_repeats(quality: float, repeats: int):
    reference = "Zebras quietly juggle oranges"

    answer = await engine(quality=quality).answer(ask(reference=reference))

    assert answer.text.count(reference) == repeats
    assert answer.nll_reference is not None


async def test_a_word_is_as_likely_in_an_echo_as_in_an_answer():
    weighed = Completion(logprobs=1, echo=True)
    request = ask("the of and to in is that it was for on are as with they")

    logprobs = (await engine().answer(replace(request, completion=weighed))).logprobs

    said = {}
    for token, logprob in list(zip(logprobs.tokens, logprobs.token_logprobs, strict=True))[1:]:
        assert said.setdefault(token, logprob) == logprob
    assert len(set(said.values())) > 5


@pytest.mark.parametrize(("asked", "shown"), [(0, 1), (1, 1), (5, 5)])
async def test_as_many_of_the_likeliest_words_are_shown_as_were_asked_for(asked: int, shown: int):
    answer = await engine().answer(replace(ask(), completion=Completion(logprobs=asked)))

    assert {len(top) for top in answer.logprobs.top_logprobs} == {shown}


async def test_without_faults_a_marker_is_a_prompt_like_any_other():
    assert (await engine().answer(ask("[[fault:dead]]"))).text


async def test_a_prompt_can_ask_to_be_rejected():
    with pytest.raises(PromptRejectedError):
        await engine(faults=True).answer(ask("[[fault:reject]] please"))


async def test_a_prompt_can_find_the_engine_busy_once():
    broken = engine(faults=True)

    with pytest.raises(EngineBusyError):
        await broken.answer(ask("[[fault:busy]]"))

    assert (await broken.answer(ask("[[fault:busy]]"))).text


async def test_a_prompt_can_fail_as_often_as_it_says():
    broken = engine(faults=True)

    for _ in range(2):
        with pytest.raises(GenerationError):
            await broken.answer(ask("[[fault:generation=2]]"))

    assert (await broken.answer(ask("[[fault:generation=2]]"))).text


async def test_a_prompt_can_kill_the_engine_for_all():
    broken = engine(faults=True)

    with pytest.raises(EngineDeadError):
        await broken.answer(ask("[[fault:dead]]"))

    with pytest.raises(EngineDeadError):
        await broken.check()
    with pytest.raises(EngineDeadError):
        await broken.answer(ask())


async def test_a_prompt_can_hang_until_it_is_cancelled():
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(engine(faults=True).answer(ask("[[fault:hang]]")), 0.1)


async def test_a_ledger_has_what_was_begun_and_how_long_it_took(tmp_path: Path):
    ledger = str(tmp_path / "ledger")
    fast, slow = engine(ledger=ledger, tokens=4), engine(ledger=ledger, first_token_s=30)
    await fast.start()
    await slow.start()

    answer = await fast.answer(ask(name="7-1"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slow.answer(ask(name="8-1")), 0.05)
    await fast.stop()
    await slow.stop()

    begins, ends, begins_too = (tmp_path / "ledger").read_text().splitlines()
    assert begins == f"begins 7-1 {answer.output_tokens}"
    assert ends == f"ends 7-1 {answer.inference_s!r}"
    assert begins_too.startswith("begins 8-1 ")
