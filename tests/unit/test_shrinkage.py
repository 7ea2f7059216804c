"""Means over few observations."""

import numpy as np
import pytest

from router.shrinkage import expert_means, shrunk


def test_an_expert_that_answered_little_is_taken_for_average():
    often = np.tile([[0.2, 0.4]], (2400, 1))
    lucky = np.full((2400, 2), np.nan)
    lucky[0, 0] = 1.0  # and the last one was never asked

    assert expert_means(np.hstack([often, lucky])) == pytest.approx([0.2, 0.4, 0.33, 0.30], abs=0.005)


def test_few_observations_move_little_and_many_decide():
    prior = np.array([0.5])

    assert shrunk(np.array([0.0]), np.array([0.0]), prior) == pytest.approx([0.5])
    assert shrunk(np.array([24.0]), np.array([24.0]), prior) == pytest.approx([0.75])
    assert shrunk(np.array([2400.0]), np.array([2400.0]), prior)[0] > 0.99
