"""Which candidates the gate calls better than the router that routes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from core.schemas.outcomes import OutcomeRow
from router.datasets import HELD_OUT_SHARE, is_held_out
from router.gate import MIN_ROWS, Contender, Verdict, judge
from router.predictions import PredictionKind, Predictions
from router.seen import Seen
from tests.router_factories import row

EXPERTS = ("a", "b")


@dataclass(frozen=True)
class Always:
    """A router that prefers its experts in their order."""

    experts: tuple[str, ...]

    def predict(self, prompts: Sequence[str]) -> Predictions:
        values = np.tile(np.arange(len(self.experts), 0.0, -1.0), (len(prompts), 1))
        return Predictions(self.experts, values, PredictionKind.QUALITIES)


def contender(*experts: str, seen: Sequence[str] = ()) -> Contender:
    return Contender(f"always-{experts[0]}", Always(experts), Seen.of(seen))


def held_out_rows(count: int, dataset: str = "x", **outcomes: float | None) -> list[OutcomeRow]:
    texts = (f"{dataset} prompt {i}" for i in range(100 * count))
    held = (text for text in texts if is_held_out(text, HELD_OUT_SHARE))
    return [row(next(held), dataset=dataset, **outcomes) for _ in range(count)]


def judged(rows: Sequence[OutcomeRow], candidate: Contender | None = None) -> Verdict:
    return judge(candidate or contender("a", "b"), contender("b", "a"), rows, EXPERTS, "bertsim")


def test_a_candidate_that_leads_on_every_prompt_is_better():
    verdict = judged(held_out_rows(40, a=0.8, b=0.6))

    assert verdict.better
    assert verdict.difference == pytest.approx(0.2)
    assert (verdict.candidate, verdict.current) == (pytest.approx(0.8), pytest.approx(0.6))
    assert (verdict.n, verdict.against, verdict.left_out) == (40, "always-b", 0)
    assert "better than always-b: its bertsim is +0.2000" in verdict.reason


@pytest.mark.parametrize("lead", [0.0, -0.2])
def test_a_candidate_that_is_as_good_or_worse_is_not_better(lead: float):
    verdict = judged(held_out_rows(40, a=0.6 + lead, b=0.6))

    assert not verdict.better
    assert verdict.reason.startswith("not better")


def test_a_lead_that_may_be_luck_is_not_better():
    rows = held_out_rows(40, a=0.9, b=0.5)
    for at in range(18):
        rows[at] = row(rows[at].prompt, dataset="x", a=0.5, b=0.9)

    verdict = judged(rows)

    assert verdict.difference > 0
    assert verdict.ci95[0] < 0
    assert not verdict.better


def test_rows_that_are_not_held_out_do_not_count():
    rows = [row(f"prompt {i}", a=0.8, b=0.6) for i in range(500)]

    verdict = judged(rows)

    assert verdict.n == sum(is_held_out(one.prompt, HELD_OUT_SHARE) for one in rows)


def test_a_text_counts_once_and_its_outcomes_are_joined():
    rows = held_out_rows(40, a=0.8)
    others = [row(one.prompt.upper(), dataset="x", b=0.6) for one in rows]

    assert judged([*rows, *others, *rows]).n == 40


def test_too_few_prompts_prove_nothing():
    verdict = judged(held_out_rows(MIN_ROWS - 1, a=0.8, b=0.6))

    assert not verdict.better
    assert verdict.difference is None
    assert "29 held-out prompts" in verdict.reason


def test_no_prompt_at_all_proves_nothing():
    assert not judged([]).better


def test_what_either_router_learned_from_is_left_out():
    rows = held_out_rows(50, a=0.8, b=0.6)
    candidate = contender("a", "b", seen=[one.prompt for one in rows[:15]])

    verdict = judged(rows, candidate)

    assert (verdict.n, verdict.left_out) == (35, 15)


def test_prompts_of_a_single_expert_compare_nobody():
    assert judged(held_out_rows(40, a=0.8)).n == 0


def test_a_router_chooses_among_the_experts_that_answered():
    rows = held_out_rows(40, a=0.8, b=0.6)
    candidate = contender("gone", "a", "b")

    assert judged(rows, candidate).candidate == pytest.approx(0.8)


def test_an_expert_that_is_no_longer_enabled_is_not_chosen():
    rows = held_out_rows(40, a=0.7, b=0.6, gone=1.0)

    assert judged(rows, contender("gone", "a", "b")).candidate == pytest.approx(0.7)


def test_prompts_for_which_a_router_has_nobody_to_choose_are_left_out():
    rows = held_out_rows(40, a=0.8, b=0.6)

    verdict = judged(rows, contender("gone"))

    assert (verdict.n, verdict.left_out) == (0, 40)


def test_one_prompt_of_a_data_set_of_its_own_decides_nothing():
    many = held_out_rows(500, a=0.5, b=0.6)
    lucky = [one for i in range(5) for one in held_out_rows(1, f"lonely {i}", a=1.0, b=0.0)]

    verdict = judged([*many, *lucky])

    assert verdict.n == 505
    assert not verdict.better
