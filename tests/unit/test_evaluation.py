"""Reports: routers beside baselines on the same prompts."""

import json

import numpy as np
import pytest

from core.errors import InvalidInputError
from core.schemas.outcomes import Outcome, OutcomeRow
from router.evaluation import Evaluation, Routed, evaluate
from tests.router_factories import EXPERTS, predictions, row, topic_rows

WANTED = Evaluation(quality="bertsim", default="ours")


def full(quality: float, *, cost: float = 1e-6, latency_s: float = 2.0, nll: float = 1.0) -> dict[str, float]:
    return {
        "bertsim": quality,
        "cost": cost,
        "latency_s": latency_s,
        "nll": nll,
        "input_tokens": 10,
        "output_tokens": 30,
    }


@pytest.fixture
def rows():
    """Two data sets of different size; `big` is better on x, `small` on y and always cheaper."""
    of_x = [
        row(f"x{i}", dataset="x", small=full(0.4), big=full(0.8, cost=4e-6, latency_s=6.0, nll=0.5)) for i in range(3)
    ]
    of_y = [row("y", dataset="y", small=full(0.9), big=full(0.7, cost=4e-6, latency_s=6.0, nll=0.5))]
    return [*of_x, *of_y]


def test_a_methods_means_are_those_of_the_experts_it_chose(rows: list[OutcomeRow]):
    report = evaluate(rows, {"ours": Routed(["big", "big", "small", "small"])}, WANTED)

    ours = report.routers["ours"]
    assert ours.micro.quality == pytest.approx((0.8 + 0.8 + 0.4 + 0.9) / 4)
    assert ours.macro.quality == pytest.approx(((0.8 + 0.8 + 0.4) / 3 + 0.9) / 2)
    assert ours.micro.cost_usd == pytest.approx(2.5e-6)
    assert ours.micro.cost_usd_per_mtok == pytest.approx(2.5e-6 / 40 * 1e6)
    assert ours.micro.throughput_tok_s == pytest.approx((5 + 5 + 15 + 15) / 4)
    assert ours.micro.nll == pytest.approx(0.75)
    assert ours.datasets["y"].quality == pytest.approx(0.9)
    assert ours.datasets["y"].n == 1
    assert ours.queries == {"big": 2, "small": 2}
    assert ours.shares == {"big": 0.5, "small": 0.5}


def test_the_baselines_are_those_of_the_paper(rows: list[OutcomeRow]):
    baselines = evaluate(rows, {"ours": Routed(["big"] * 4)}, WANTED).baselines

    assert baselines["zero"].micro.quality == pytest.approx((3 * 0.6 + 0.8) / 4)
    assert baselines["best_single"].note == "always big"
    assert baselines["best_single"].macro.quality == pytest.approx(0.75)
    assert baselines["quality_oracle"].queries == {"big": 3, "small": 1}
    # Optimal mixes experts: the quality of one, the price of another.
    assert baselines["optimal"].micro.quality == pytest.approx((3 * 0.8 + 0.9) / 4)
    assert baselines["optimal"].micro.cost_usd == pytest.approx(1e-6)
    assert baselines["optimal"].micro.throughput_tok_s == pytest.approx(15)
    assert baselines["optimal"].micro.nll == pytest.approx(0.5)
    assert baselines["optimal"].queries == {}


def test_the_quality_oracle_takes_the_cheapest_of_the_best():
    rows = [row("p", dear=full(0.8, cost=2.0), cheap=full(0.8, cost=1.0), bad=full(0.1, cost=0.0))]

    oracle = evaluate(rows, {"ours": Routed(["bad"])}, WANTED).baselines["quality_oracle"]

    assert oracle.queries["cheap"] == 1


def test_the_quality_oracle_needs_no_prices():
    oracle = evaluate([row("p", a=0.5, b=0.6)], {"ours": Routed(["a"])}, WANTED).baselines["quality_oracle"]

    assert oracle.queries["b"] == 1
    assert oracle.micro.cost_usd is None


def test_the_dataset_oracle_picks_on_training_rows(rows: list[OutcomeRow]):
    wanted = Evaluation(quality="bertsim", default="ours", train=[row("t", dataset="y", small=0.1, big=0.9)])

    oracle = evaluate(rows, {"ours": Routed(["big"] * 4)}, wanted).baselines["dataset_oracle"]

    assert oracle.queries == {"big": 4, "small": 0}


def test_random_is_one_draw_whose_expected_value_is_zeros():
    rows = topic_rows(600)

    baselines = evaluate(rows, {"ours": Routed(["math"] * 600)}, WANTED).baselines

    assert baselines["random"].micro.quality == pytest.approx(baselines["zero"].micro.quality, abs=0.02)
    assert min(baselines["random"].queries.values()) > 150


def test_an_expert_with_few_answers_is_not_the_best_single():
    rows = [*topic_rows(30), row("one more", dataset="math", **dict.fromkeys(EXPERTS, 0.6), lucky=1.0)]

    report = evaluate(rows, {"ours": Routed(["math"] * 31)}, WANTED)

    assert report.baselines["best_single"].note != "always lucky"
    assert report.experts["lucky"].n == 1


def test_a_missing_value_is_left_out_of_mean_and_n():
    rows = [row("1", a={"bertsim": 0.5, "nll": 2.0}, b=0.1), row("2", a={"bertsim": 0.7}, b=0.1), row("3", b=0.1)]

    ours = evaluate(rows, {"ours": Routed(["a", "a", "a"])}, WANTED).routers["ours"]

    assert (ours.n, ours.micro.quality) == (2, pytest.approx(0.6))
    assert (ours.micro.n_of["nll"], ours.micro.nll) == (1, 2.0)
    assert ours.micro.cost_usd is None


def test_a_routed_run_can_bring_its_own_outcomes(rows: list[OutcomeRow]):
    own = [Outcome(bertsim=0.99), Outcome(bertsim=0.97), None, Outcome(bertsim=0.95)]

    ours = evaluate(rows, {"ours": Routed(["big", "big", None, "small"], own)}, WANTED).routers["ours"]

    assert (ours.n, ours.micro.quality) == (3, pytest.approx(0.97))
    assert ours.unanswered == 1
    assert ours.queries == {"big": 2, "small": 1}


def test_differences_are_paired_and_have_an_interval():
    rows = topic_rows(90, gap=0.2)
    right, always = [one.dataset for one in rows], ["math"] * 90

    report = evaluate(rows, {"ours": Routed(right), "same": Routed(always)}, WANTED)

    gain = report.differences["ours"]["best_single"]
    assert (gain.n, gain.difference) == (90, pytest.approx(0.2 * 2 / 3))
    assert gain.ci95[0] > 0.1
    # Two thirds of the prompts lose 0.2 whatever is resampled within a data set: no spread at all.
    assert gain.ci95 == pytest.approx((gain.difference, gain.difference))
    assert 0 < report.differences["ours"]["random"].difference < 0.2


def test_a_method_is_not_different_from_itself():
    rows = [row(f"{i}", a=i / 100, b=0.0) for i in range(50)]

    found = evaluate(rows, {"ours": Routed(["a"] * 50)}, WANTED).differences["ours"]["best_single"]

    assert (found.difference, found.ci95) == (0, (0, 0))


def test_the_same_rows_and_seed_give_the_same_report(rows: list[OutcomeRow]):
    methods = {"ours": Routed(["big"] * 4)}

    assert evaluate(rows, methods, WANTED) == evaluate(rows, methods, WANTED)


def test_the_json_holds_the_contracts_keys_and_no_null(rows: list[OutcomeRow]):
    report = json.loads(evaluate(rows, {"ours": Routed(["big"] * 4)}, WANTED).to_json())

    assert {"routers", "baselines", "controls", "default", "experts", "data", "differences"} <= report.keys()
    assert "null" not in json.dumps(report)
    assert {"n", "macro", "micro", "datasets", "shares"} <= report["routers"]["ours"].keys()
    assert {"n", "quality", "ci95", "cost_usd", "nll", "throughput_tok_s"} <= report["routers"]["ours"]["macro"].keys()
    assert report["data"]["datasets"] == {"x": 3, "y": 1}
    assert report["experts"]["big"]["output_tokens"] == 30
    assert report["experts"]["big"]["macro_quality"] == pytest.approx(0.75)
    assert "NaN" not in json.dumps(report)


def test_every_interval_holds_its_mean():
    rng = np.random.default_rng(0)
    rows = [row(f"{i}", dataset="xy"[i % 2], a=full(rng.random()), b=full(rng.random())) for i in range(60)]

    ours = evaluate(rows, {"ours": Routed(["a"] * 60)}, WANTED).routers["ours"]

    for part in (ours.macro, ours.micro, *ours.datasets.values()):
        low, high = part.ci95
        assert low < part.quality < high


@pytest.mark.parametrize(
    ("routed", "message"),
    [
        (Routed(["big"]), "1 choices or outcomes for 4 prompts"),
        (Routed(["big"] * 4, [None]), "for 4 prompts"),
        (Routed(["huge"] * 4), "chose huge, which the rows don't know: big, small"),
        (Routed([None] * 4), "no 'bertsim' for any of its 4 choices"),
    ],
)
def test_a_method_that_does_not_fit_the_rows_is_refused(rows: list[OutcomeRow], routed: Routed, message: str):
    with pytest.raises(InvalidInputError, match=message):
        evaluate(rows, {"ours": routed}, WANTED)


def test_a_difference_over_other_data_sets_is_left_out(rows: list[OutcomeRow]):
    report = evaluate(rows, {"ours": Routed(["big", "big", "big", None]), "whole": Routed(["big"] * 4)}, WANTED)

    assert report.differences["ours"] == {}  # it has nothing of data set y
    assert report.differences["whole"].keys() == {"best_single", "quality_oracle", "zero", "random"}


def test_an_empty_set_is_an_error(rows: list[OutcomeRow]):
    with pytest.raises(InvalidInputError, match="nothing to evaluate"):
        evaluate([], {"ours": Routed([])}, WANTED)
    with pytest.raises(InvalidInputError, match="carries the quality 'score'"):
        evaluate(rows, {"ours": Routed(["big"] * 4)}, Evaluation(quality="score", default="ours"))
    with pytest.raises(InvalidInputError, match="the default 'ours' is none of the routers: other"):
        evaluate(rows, {"other": Routed(["big"] * 4)}, WANTED)


def test_shares_are_held_against_the_quality_oracles():
    rows = [row("one", a=0.9, b=0.1), row("two", a=0.1, b=0.9)]

    report = evaluate(rows, {"right": Routed(["a", "b"]), "half": Routed(["a", "a"])}, Evaluation("bertsim", "right"))

    assert report.routers["right"].shares_to_oracle == 0
    assert report.routers["half"].shares_to_oracle == pytest.approx(0.5)
    assert report.baselines["zero"].shares_to_oracle is None


def test_the_majority_is_the_expert_that_was_most_often_the_best_in_training():
    train = [row(f"train {i}", a=0.9, b=0.8) for i in range(3)] + [row("train other", a=0.0, b=1.0)]
    rows = [row("one", a=0.9, b=0.1)]

    report = evaluate(rows, {"ours": Routed(["a"])}, Evaluation("bertsim", "ours", train=train))

    assert report.baselines["majority"].shares == {"a": 1.0, "b": 0.0}


def test_a_routers_curve_is_drawn_in_the_pools_order_of_experts(rows: list[OutcomeRow]):
    predicted = predictions([[0.9, 0.1]] * 4, ("big", "small"), cost_usd=(3e-6, 1e-6))
    methods = {"ours": Routed(["big"] * 4, predictions=predicted)}

    report = evaluate(rows, methods, WANTED)

    big = next(point for point in report.curves["experts"].points if point.expert == "big")
    assert report.curves["ours"].points[0].quality == pytest.approx(big.quality)
    assert report.curves["ours"].points[0].cost_usd == pytest.approx(big.cost_usd)


def test_what_a_routed_run_cannot_know_is_not_in_its_report():
    rows = [row("one", small=full(0.4)), row("two", big=full(0.8, cost=4e-6))]
    predicted = predictions([[0.9, 0.1]] * 2, ("big", "small"), cost_usd=(3e-6, 1e-6))
    routed = Routed(["small", "big"], predictions=predicted)

    report = evaluate(rows, {"ours": routed}, WANTED)

    assert (report.baselines, report.differences, report.curves) == ({}, {"ours": {}}, {})
    assert report.two_experts is None
    assert report.routers["ours"].shares_to_oracle is None
    assert report.routers["ours"].micro.quality == pytest.approx(0.6)
    assert (report.experts["small"].n, report.experts["big"].n) == (1, 1)


def test_experts_are_measured_without_a_router(rows: list[OutcomeRow]):
    report = evaluate(rows, {}, Evaluation(quality="bertsim", default=None))

    assert report.routers == {}
    assert report.baselines["best_single"].macro.quality == pytest.approx(0.75)
    assert "default" not in json.loads(report.to_json())
    with pytest.raises(InvalidInputError, match="no router, and the 'bertsim' of one expert at most"):
        evaluate([row("one", small=0.4), row("two", big=0.8)], {}, Evaluation(quality="bertsim", default=None))
