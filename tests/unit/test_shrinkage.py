"""Means over few observations."""

import numpy as np
import pytest

from router.shrinkage import expert_means, shrunk


def test_an_expert_that_answered_nothing_is_taken_for_average():
    assert expert_means(np.array([[0.2, 0.4, np.nan], [0.4, np.nan, np.nan]])) == pytest.approx([0.3, 0.4, 1 / 3])


def test_few_observations_move_little_and_many_decide():
    prior = np.array([0.5])

    assert shrunk(np.array([0.0]), np.array([0.0]), prior) == pytest.approx([0.5])
    assert shrunk(np.array([24.0]), np.array([24.0]), prior) == pytest.approx([0.75])
    assert shrunk(np.array([2400.0]), np.array([2400.0]), prior)[0] > 0.99
