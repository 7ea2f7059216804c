"""From predictions to choices."""

import numpy as np
import pytest

from core.errors import InvalidInputError
from router.policies import NOBODY, choose
from router.policy import BEST, parse
from router.predictions import Calibration
from tests.router_factories import predictions


def test_best_takes_the_highest_value():
    assert choose(predictions([[0.1, 0.9, 0.5], [0.7, 0.2, 0.3]])).tolist() == [1, 0]


def test_a_tie_goes_to_the_expert_named_first():
    assert choose(predictions([[0.1, 0.5, 0.5]])).tolist() == [1]


def test_an_expert_that_is_not_allowed_is_never_chosen():
    allowed = np.array([[True, False, True]])

    assert choose(predictions([[0.1, 0.9, 0.5]]), BEST, allowed).tolist() == [2]


def test_nobody_is_chosen_where_nobody_is_allowed():
    allowed = np.array([[False, False, False], [False, False, True]])

    assert choose(predictions([[0.1, 0.9, 0.5]] * 2), BEST, allowed).tolist() == [NOBODY, 2]


def test_a_value_that_is_no_number_is_no_prediction():
    assert choose(predictions([[np.nan, 0.2, np.inf], [np.nan] * 3])).tolist() == [1, NOBODY]


def test_no_prompts_give_no_choices():
    assert choose(predictions(np.empty((0, 3)))).shape == (0,)


def test_no_experts_leave_nobody_to_choose():
    assert choose(predictions(np.empty((2, 0)), experts=())).tolist() == [NOBODY, NOBODY]


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        choose(predictions([[0.1, 0.2, 0.3]]), BEST, np.ones((2, 3), dtype=bool))


def test_a_price_on_cost_leaves_the_dear_expert_where_it_gains_too_little():
    found = predictions([[0.5, 0.6], [0.5, 0.9]], ("cheap", "dear"), cost_usd=[0.001, 0.003])

    assert choose(found, parse("cost:0")).tolist() == [1, 1]
    assert choose(found, parse("cost:0.1")).tolist() == [0, 1]  # US$ 2 per 1,000 prompts more must bring 0.2
    assert choose(found, parse("cost:1")).tolist() == [0, 0]


def test_a_price_on_time_leaves_the_slow_expert_where_it_gains_too_little():
    found = predictions([[0.5, 0.6], [0.5, 0.9]], ("fast", "slow"), latency_s=[1, 3])

    assert choose(found, parse("time:0.1")).tolist() == [0, 1]


def test_an_expert_of_unknown_cost_is_chosen_only_where_no_other_may_be():
    found = predictions([[0.5, 0.9], [0.5, 0.9]], ("known", "unknown"), cost_usd=[0.001, np.nan])

    assert choose(found, parse("cost:0.1"), np.array([[True, True], [False, True]])).tolist() == [0, 1]


def test_a_share_of_strong_calls_is_a_quantile_of_the_gains_predicted_before():
    gains = np.linspace(-0.5, 0.5, 101)
    known = np.stack([np.full(101, 0.5), 0.5 + gains], axis=1)
    calibration = Calibration(known, known, baseline=1)
    found = predictions(
        [[0.5, 0.5 + gain] for gain in (-0.4, 0.1, 0.2, 0.45)], ("weak", "strong"), calibration=calibration
    )

    assert choose(found, parse("strong:0")).tolist() == [0, 0, 0, 0]
    assert choose(found, parse("strong:0.25")).tolist() == [0, 0, 0, 1]
    assert choose(found, parse("strong:0.45")).tolist() == [0, 1, 1, 1]
    assert choose(found, parse("strong:1")).tolist() == [1, 1, 1, 1]


def test_the_strong_experts_are_those_in_the_cloud_where_some_are_not():
    known = np.tile([0.5, 0.6, 0.7], (50, 1))
    found = predictions([[0.5, 0.6, 0.9]], calibration=Calibration(known, known, baseline=0))

    assert choose(found, parse("strong:0.5"), cloud=np.array([False, True, True])).tolist() == [2]
    assert choose(found, parse("strong:0"), cloud=np.array([False, True, True])).tolist() == [0]


def test_the_edge_is_left_only_for_a_gain_that_is_worth_it():
    found = predictions([[0.5, 0.4, 0.6], [0.5, 0.4, 0.9]])
    cloud = np.array([False, False, True])

    assert choose(found, parse("edge:0.2"), cloud=cloud).tolist() == [0, 2]
    assert choose(found, parse("edge:0.2"), np.array([[False, False, True], [True, True, False]]), cloud).tolist() == [
        2,
        0,
    ]


def test_the_guard_leaves_the_baseline_only_where_such_gains_were_real():
    random = np.random.default_rng(0)
    gains = np.repeat([0.05, 0.5], 150)
    values = np.stack([np.full(300, 0.4), 0.4 + gains], axis=1)
    real = np.where(gains > 0.1, 0.4, 0.0) + random.normal(0, 0.05, 300)
    calibration = Calibration(values, np.stack([np.full(300, 0.4), 0.4 + real], axis=1), baseline=0)
    found = predictions([[0.4, 0.45], [0.4, 0.9], [0.5, 0.4]], ("baseline", "other"), calibration=calibration)

    assert choose(found, parse("guard:2")).tolist() == [0, 1, 0]
    assert choose(found, parse("guard:2"), np.array([[False, True]] * 3)).tolist() == [1, 1, 1]


def test_the_guard_asks_twice_as_much_of_a_dearer_expert():
    values = np.tile([0.4, 0.6], (58, 1))
    real = np.stack([np.zeros(58), np.tile([1.0, -0.6], 29)], axis=1)  # .2 on average, 1.9 standard errors
    calibration = Calibration(values, real, baseline=0)

    def chosen(cost_usd: list[float]) -> list[int]:
        found = predictions([[0.4, 0.6]], ("baseline", "other"), cost_usd=cost_usd, calibration=calibration)
        return choose(found, parse("guard:1.5")).tolist()

    assert chosen([1, 1]) == [1]
    assert chosen([1, 2]) == [0]


def test_the_guard_stays_where_nothing_is_known_of_its_gains():
    nothing = Calibration(np.tile([0.5, 0.4], (40, 1)), np.tile([0.5, 0.9], (40, 1)), baseline=0)

    assert choose(predictions([[0.1, 0.9]], ("baseline", "other"), calibration=nothing), parse("guard:0")).tolist() == [
        0
    ]


@pytest.mark.parametrize(
    ("text", "lacks"),
    [("cost:1", "costs"), ("time:1", "inference times"), ("guard:1", "validation"), ("strong:.5", "validation")],
)
def test_what_the_router_was_not_taught_is_said(text: str, lacks: str):
    with pytest.raises(InvalidInputError, match=lacks):
        choose(predictions([[0.1, 0.9, 0.3]]), parse(text))


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("cheapest", "choose one of best, cost:NUMBER"),
        ("best:1", "write best"),
        ("cost", "write cost:NUMBER"),
        ("cost:much", "a number from 0"),
        ("cost:-1", "a number from 0"),
        ("cost:inf", "a number from 0"),
        ("strong:2", "a number from 0 to 1"),
    ],
)
def test_a_text_that_is_no_policy_is_refused_with_the_cure(text: str, cure: str):
    with pytest.raises(InvalidInputError, match=cure) as refused:
        parse(text)

    assert refused.value.param == "policy"


@pytest.mark.parametrize("text", ["best", "cost:0.5", "time:2", "strong:0.3", "edge:0", "guard:0.5"])
def test_a_policy_is_written_as_it_is_read(text: str):
    assert str(parse(text)) == text
