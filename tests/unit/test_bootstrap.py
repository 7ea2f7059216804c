"""Means and their intervals."""

import numpy as np
import pytest

from router.bootstrap import Bootstrap, mean


def test_macro_weighs_data_sets_alike_and_micro_prompts():
    found = Bootstrap(["a", "a", "a", "b"], seed=0).estimate(np.array([0.0, 0.0, 0.0, 1.0]))

    assert found.macro.value == 0.5
    assert found.micro.value == 0.25
    assert {name: one.value for name, one in found.datasets.items()} == {"a": 0.0, "b": 1.0}


def test_the_interval_is_that_of_the_normal_approximation_for_many_prompts():
    values = np.random.default_rng(1).normal(0.5, 0.2, size=2000)

    found = mean(values, seed=0)

    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.ci95 == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 5)


def test_an_absent_value_is_left_out_of_the_mean_and_of_n():
    found = mean(np.array([0.4, np.nan, 0.6]), seed=0)

    assert (found.n, found.value) == (2, pytest.approx(0.5))


def test_a_macro_mean_does_not_skip_a_data_set_without_values():
    found = Bootstrap(["a", "b"], seed=0).estimate(np.array([0.4, np.nan]))

    assert np.isnan(found.macro.value)
    assert found.micro.value == 0.4
    assert found.datasets["b"].n == 0


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).random(50)

    assert mean(values, seed=3) == mean(values, seed=3)
    assert mean(values, seed=3) != mean(values, seed=4)


def test_values_for_other_prompts_are_refused():
    with pytest.raises(ValueError, match="for 2 prompts"):
        Bootstrap(["a", "b"], seed=0).estimate(np.zeros(3))
