"""What a router hands over."""

import numpy as np
import pytest

from router.predictions import PredictionKind, Predictions
from tests.router_factories import predictions


def test_predictions_count_their_prompts():
    assert len(predictions([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])) == 2


@pytest.mark.parametrize("shape", [(2, 3), (2,)])
def test_values_that_do_not_fit_the_experts_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="do not fit 2 experts"):
        Predictions(("a", "b"), np.zeros(shape), PredictionKind.QUALITIES)
