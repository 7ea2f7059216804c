"""How far prompts are from those that a router was trained on: by their vectors, and by whom it prefers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.errors import CheckpointError
from router import checkpoints
from router.config import TrainConfig
from router.drift import LEAST, Drift
from router.frozen import HEAD, USUAL
from router.predictions import Calibration, PredictionKind, Predictions
from router.training import train
from tests.router_factories import topic_rows

EXPERTS = ("a", "b", "c")

#: Prompts that are seen at once.
PASS = 20


def seen(deviations: np.ndarray | None = None, favourites: Sequence[int] = (), known: Sequence[int] = ()) -> Drift:
    """After a router said this of some prompts, in passes; columns of those that it prefers, now and in validation."""
    calibration = Calibration(np.eye(3)[list(known)], np.eye(3)[list(known)], 0) if known else None
    count = len(favourites) or len(deviations if deviations is not None else ())
    values = np.eye(3)[list(favourites) or [0] * count]
    drift = Drift()
    for start in range(0, count, PASS):
        part = slice(start, start + PASS)
        of_part = None if deviations is None else deviations[part]
        kind = PredictionKind.QUALITIES
        drift.see(Predictions(EXPERTS, values[part], kind, calibration=calibration, deviations=of_part))
    return drift


def test_prompts_like_those_of_the_training_do_not_drift():
    usual = np.random.default_rng(0).standard_normal((2000, 100))

    assert seen(usual).of_prompts == pytest.approx(0, abs=0.05)


def test_the_distance_is_in_standard_deviations():
    moved = np.random.default_rng(0).standard_normal((2000, 100)) + 0.5

    assert seen(moved).of_prompts == pytest.approx(0.5, abs=0.05)


def test_what_is_long_past_is_forgotten():
    random = np.random.default_rng(0)
    before, after = random.standard_normal((2000, 50)) + 3, random.standard_normal((2500, 50))

    assert seen(np.concatenate([before, after])).of_prompts == pytest.approx(0, abs=0.1)


def test_shares_drift_by_those_that_would_have_to_move():
    drift = seen(favourites=[0, 0, 0, 1] * 500, known=[0, 1, 1, 1] * 20)

    assert drift.of_shares == pytest.approx(0.5, abs=0.02)
    assert seen(favourites=[0, 1] * 500, known=[1, 0] * 20).of_shares == pytest.approx(0, abs=0.02)


def test_of_few_prompts_or_without_anything_to_compare_nothing_is_said():
    few = seen(np.ones((LEAST - 1, 5)), known=[0])
    many = seen(favourites=[0] * LEAST)

    assert (few.of_prompts, few.of_shares) == (None, None)
    assert (many.of_prompts, many.of_shares) == (None, None)


@pytest.fixture
def folder(tiny_encoder: Path, tmp_path: Path, one_thread: None, by_torch: None) -> Path:
    """A router that was trained on mathematics and code alone."""
    rows = [row for row in topic_rows(240) if row.dataset != "biomed"]
    trained = train(rows, TrainConfig(router="clusters", encoder=str(tiny_encoder), clusters=2))
    checkpoints.save(trained.router, tmp_path / "checkpoint", trained.manifest, trained.lessons)
    return tmp_path / "checkpoint"


def drift_of(folder: Path, topics: Sequence[str]) -> Drift:
    """After some prompts of these topics."""
    drift, prompts = Drift(), [row.prompt for row in topic_rows(600, seed=1) if row.dataset in topics]
    drift.see(checkpoints.load(folder).predict(prompts))
    return drift


def test_a_loaded_router_tells_another_domain_from_its_own(folder: Path):
    usual, strange = drift_of(folder, ["math", "code"]), drift_of(folder, ["biomed"])

    assert usual.of_prompts is not None
    assert usual.of_prompts < 0.25  # of 200 training prompts the mean itself is uncertain
    assert strange.of_prompts is not None
    assert strange.of_prompts > 3 * usual.of_prompts
    assert strange.of_prompts > 0.5


def test_a_router_of_a_time_before_this_was_kept_tells_none(folder: Path):
    arrays = load_file(folder / HEAD)
    arrays.pop(USUAL)
    save_file(arrays, folder / HEAD)

    assert drift_of(folder, ["math"]).of_prompts is None


def test_what_does_not_fit_the_encoder_is_refused(folder: Path):
    save_file({**load_file(folder / HEAD), USUAL: np.ones((2, 3))}, folder / HEAD)

    with pytest.raises(CheckpointError, match="usual_vectors"):
        checkpoints.load(folder)
