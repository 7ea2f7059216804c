"""From predictions to choices."""

import numpy as np
import pytest

from core.errors import InvalidInputError
from router.policies import NOBODY, choose
from tests.router_factories import predictions


def test_best_takes_the_highest_value():
    assert choose(predictions([[0.1, 0.9, 0.5], [0.7, 0.2, 0.3]])).tolist() == [1, 0]


def test_a_tie_goes_to_the_expert_named_first():
    assert choose(predictions([[0.1, 0.5, 0.5]])).tolist() == [1]


def test_an_expert_that_is_not_allowed_is_never_chosen():
    allowed = np.array([[True, False, True]])

    assert choose(predictions([[0.1, 0.9, 0.5]]), "best", allowed).tolist() == [2]


def test_nobody_is_chosen_where_nobody_is_allowed():
    allowed = np.array([[False, False, False], [False, False, True]])

    assert choose(predictions([[0.1, 0.9, 0.5]] * 2), "best", allowed).tolist() == [NOBODY, 2]


def test_a_value_that_is_no_number_is_no_prediction():
    assert choose(predictions([[np.nan, 0.2, np.inf], [np.nan] * 3])).tolist() == [1, NOBODY]


def test_no_prompts_give_no_choices():
    assert choose(predictions(np.empty((0, 3)))).shape == (0,)


def test_no_experts_leave_nobody_to_choose():
    assert choose(predictions(np.empty((2, 0)), experts=())).tolist() == [NOBODY, NOBODY]


def test_an_unknown_policy_is_refused_with_the_known_ones():
    with pytest.raises(InvalidInputError, match="unknown policy 'cheapest': choose one of best") as refused:
        choose(predictions([[0.1, 0.2, 0.3]]), "cheapest")

    assert refused.value.param == "policy"


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        choose(predictions([[0.1, 0.2, 0.3]]), "best", np.ones((2, 3), dtype=bool))
