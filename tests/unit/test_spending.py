"""What answers take, learned from outcomes and kept in a checkpoint."""

from pathlib import Path

import numpy as np
import pytest

from router import checkpoints, spending, training
from router.config import TrainConfig
from router.policies import choose
from router.policy import parse
from router.pool import pool_of
from tests.router_factories import row


def rows(count: int = 40) -> list:
    """The dear expert takes US$ 1 per 1,000 characters, the cheap one a tenth; only the dear one tells its time."""
    return [
        row(
            "x" * length,
            cheap={"bertsim": 0.5, "cost": length / 1e4},
            dear={"bertsim": 0.6, "cost": length / 1e3, "latency_s": 2.0, "output_tokens": 7},
        )
        for length in range(10, 10 + count)
    ]


def test_cost_is_a_line_in_the_length_that_never_leaves_what_was_seen():
    pool = pool_of(rows(), "bertsim")

    found = spending.predict(spending.fit(pool), ("dear", "cheap", "new"), ["x" * 20, "x" * 5, "x" * 900])

    assert found.cost_usd[:, 0] == pytest.approx([0.020, 0.010, 0.049])
    assert found.cost_usd[:, 1] == pytest.approx([0.0020, 0.0010, 0.0049])
    assert np.isnan(found.cost_usd[:, 2]).all()


def test_what_no_outcome_carried_is_not_known():
    found = spending.predict(spending.fit(pool_of(rows(), "bertsim")), ("cheap", "dear"), ["x"])

    assert np.isnan(found.latency_s[0, 0])
    assert found.latency_s[0, 1] == pytest.approx(2.0)
    assert found.output_tokens[0, 1] == pytest.approx(7.0)


def test_few_outcomes_give_a_mean_and_no_slope():
    pool = pool_of(rows(3), "bertsim")

    assert spending.predict(spending.fit(pool), ("dear",), ["x" * 10]).cost_usd[0, 0] == pytest.approx(0.011)


def test_a_checkpoint_keeps_spending_and_calibration(tmp_path: Path):
    trained = training.train(rows(), TrainConfig(router="random"))
    checkpoints.save(trained.router, tmp_path / "checkpoint", trained.manifest, trained.lessons)

    found = checkpoints.load(tmp_path / "checkpoint").predict(["x" * 20])

    assert found.spending is not None
    assert found.spending.cost_usd[0].tolist() == pytest.approx([0.0020, 0.020])
    assert choose(found, parse("cost:1000")).tolist() == [0]
    assert found.calibration is not None
    assert found.experts[found.calibration.baseline] == "dear"
    assert len(found.calibration.values) == trained.manifest.data.validation > 0
