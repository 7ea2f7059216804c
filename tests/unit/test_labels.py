"""Soft labels and what their temperature does."""

import math

import numpy as np
import pytest

from core.errors import InvalidInputError
from router.labels import Reading, entropy, label_entropy, soft_labels

NAN = float("nan")


def test_multiplying_by_ten_separates_typical_qualities():
    labels = soft_labels(np.array([[0.82, 0.90]]), 10, Reading.MULTIPLY)

    assert labels[0, 1] == pytest.approx(1 / (1 + math.exp(-0.8)))


def test_dividing_by_ten_carries_no_signal():
    labels = soft_labels(np.linspace(0.82, 0.90, 7)[None, :], 10, Reading.DIVIDE)

    assert labels.min() == pytest.approx(0.1422, abs=1e-4)
    assert labels.max() == pytest.approx(0.1434, abs=1e-4)


def test_hard_labels_are_shared_by_experts_that_tie():
    labels = soft_labels(np.array([[0.1, 0.9, 0.9], [0.3, 0.2, NAN]]), 10, Reading.HARD)

    assert labels.tolist() == [[0, 0.5, 0.5], [1, 0, 0]]


@pytest.mark.parametrize("reading", Reading)
def test_an_absent_expert_gets_nothing_and_the_others_share_everything(reading: Reading):
    labels = soft_labels(np.array([[0.5, NAN, 0.7]]), 10, reading)

    assert labels[0, 1] == 0
    assert labels.sum() == pytest.approx(1)


@pytest.mark.parametrize("reading", Reading)
def test_prompts_with_fewer_than_two_experts_are_refused_with_their_number(reading: Reading):
    with pytest.raises(InvalidInputError, match="2 of 3 prompts"):
        soft_labels(np.array([[0.5, NAN], [0.5, 0.6], [NAN, NAN]]), 10, reading)


def test_no_prompts_have_no_labels():
    assert soft_labels(np.empty((0, 4)), 10, Reading.MULTIPLY).shape == (0, 4)


def test_a_very_sharp_temperature_does_not_overflow():
    assert soft_labels(np.array([[0.0, 1.0]]), 1e6, Reading.MULTIPLY).tolist() == [[0, 1]]


def test_entropy_is_in_nats():
    assert entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).tolist() == pytest.approx([math.log(2), 0])


def test_the_largest_entropy_counts_present_experts_only():
    present = np.array([[True, True, False], [True, True, True]])

    found = label_entropy(np.array([[0.5, 0.5, 0], [1 / 3] * 3]), present)

    assert found.mean == pytest.approx(found.maximum)
    assert found.maximum == pytest.approx((math.log(2) + math.log(3)) / 2)
