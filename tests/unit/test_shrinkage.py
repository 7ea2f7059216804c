"""Means over few observations."""

import numpy as np
import pytest

from router.shrinkage import expert_means, shrunk_means


def test_an_expert_that_answered_little_is_taken_for_average():
    often = np.tile([[0.2, 0.4]], (2400, 1))
    lucky = np.full((2400, 2), np.nan)
    lucky[0, 0] = 1.0  # and the last one was never asked

    assert expert_means(np.hstack([often, lucky])) == pytest.approx([0.2, 0.4, 0.33, 0.30], abs=0.005)


def test_few_observations_move_little_and_many_decide():
    prior = np.array([0.5])

    assert shrunk_means(np.empty((0, 1)), prior, axis=0) == pytest.approx([0.5])
    assert shrunk_means(np.ones((24, 1)), prior, axis=0) == pytest.approx([0.75])
    assert shrunk_means(np.ones((2400, 1)), prior, axis=0)[0] > 0.99


def test_what_is_absent_counts_for_nothing():
    neighbours = np.array([[[1.0, np.nan], [1.0, 0.0]]])  # one prompt, two neighbours, two experts

    assert shrunk_means(neighbours, np.array([0.5, 0.5]), axis=1) == pytest.approx(np.array([[14 / 26, 12 / 25]]))
