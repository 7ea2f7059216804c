"""Cost-quality curves and their sums, on pools small enough to work out by hand."""

import numpy as np
import pytest

from router.curves import curves, hull, two_experts
from router.pool import Pool, pool_of
from router.reports import Point
from tests.router_factories import predictions, row


def pool(qualities: list[list[float]], costs: tuple[float, ...] = (1.0, 3.0)) -> Pool:
    names = ("a", "b", "c")[: len(costs)]
    rows = [
        row(f"prompt {i}", **{name: {"bertsim": q, "cost": c} for name, q, c in zip(names, line, costs, strict=True)})
        for i, line in enumerate(qualities)
    ]
    return pool_of(rows, "bertsim")


def points(*pairs: tuple[float, float]) -> list[Point]:
    return [Point(cost_usd=cost, quality=quality) for cost, quality in pairs]


def test_the_hull_leaves_out_what_a_mixture_or_a_cheaper_point_beats():
    found = hull(points((1, 0.2), (2, 0.3), (3, 0.8), (4, 0.7), (5, 0.9)))

    assert [(one.cost_usd, one.quality) for one in found] == [(1, 0.2), (3, 0.8), (5, 0.9)]


def test_a_router_that_knows_who_is_enough_saves_cost_at_no_loss():
    # b is always right and a for every other prompt: knowing for which costs 2 instead of 3.
    truth = [[1.0, 1.0], [0.0, 1.0]] * 10
    found = curves(pool(truth), {"knowing": predictions(truth, ("a", "b"), cost_usd=(1.0, 3.0))})["knowing"]

    assert found.cost_save == pytest.approx(1 / 3)
    assert found.qnc == pytest.approx(2 / 3)
    assert found.perf_gain == pytest.approx(0)
    assert [(one.cost_usd, one.quality) for one in found.hull] == [(1, 0.5), (2, 1.0)]
    assert found.aiq == pytest.approx((0.75 + 1.0) / 2)


def test_a_router_that_never_matches_the_best_expert_saves_nothing():
    truth = [[0.2, 0.8]] * 4
    found = curves(pool(truth), {"wrong": predictions([[0.9, 0.1]] * 4, ("a", "b"), cost_usd=(1.0, 3.0))})["wrong"]

    assert (found.cost_save, found.qnc) == (None, None)
    assert found.perf_gain == pytest.approx(-0.6)


def test_the_single_experts_have_a_curve_of_their_own():
    found = curves(pool([[0.2, 0.8, 0.1]] * 3, costs=(1.0, 3.0, 2.0)), {})

    assert {one.expert for one in found["experts"].points} == {"a", "b", "c"}
    assert [one.expert for one in found["experts"].hull] == ["a", "b"]


def test_without_costs_there_are_no_curves():
    found = pool_of([row("one", a=0.1, b=0.2)], "bertsim")

    assert curves(found, {"router": predictions([[0.1, 0.2]], ("a", "b"))}) == {}


def test_two_experts_are_measured_by_the_share_of_strong_calls():
    # The strong expert is needed for the first half of the prompts, and the router says so.
    truth = [[0.0, 1.0]] * 10 + [[1.0, 1.0]] * 10
    found = two_experts(pool(truth), {"knowing": predictions(truth, ("a", "b"))})

    assert found is not None
    assert (found.weak, found.strong) == ("a", "b")
    knowing = found.routers["knowing"]
    assert knowing.apgr == pytest.approx(0.75, abs=0.01)
    assert knowing.cpt50 == pytest.approx(0.25, abs=0.03)
    assert knowing.cpt80 == pytest.approx(0.40, abs=0.03)
    assert knowing.auroc == pytest.approx(1.0)
    first, last = knowing.points[0], knowing.points[-1]
    assert (first.pgr, last.pgr) == (0.0, 1.0)
    assert (first.cost_usd, last.cost_usd) == (1.0, 3.0)
    assert first.latency_s is None


def test_a_router_without_a_clue_recovers_half_of_the_gap_on_average():
    random = np.random.default_rng(0)
    truth = [[0.0, 1.0], [1.0, 1.0]] * 400

    found = two_experts(pool(truth), {"random": predictions(random.random((800, 2)).tolist(), ("a", "b"))})

    assert found is not None
    assert found.routers["random"].apgr == pytest.approx(0.5, abs=0.05)
    assert found.routers["random"].auroc == pytest.approx(0.5, abs=0.05)


def test_three_experts_or_two_equal_ones_are_no_pair():
    assert two_experts(pool([[0.2, 0.8, 0.1]], costs=(1, 2, 3)), {}) is None
    assert two_experts(pool([[0.5, 0.5]]), {}) is None
