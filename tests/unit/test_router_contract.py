"""What holds of every router, whatever it has learned."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.errors import CheckpointError
from router import checkpoints, registry
from router.config import TrainConfig
from router.predictions import PredictionKind, Router
from router.training import TrainedRouter, train
from tests.router_factories import EXPERTS, topic_rows

pytestmark = pytest.mark.usefixtures("one_thread")

PROMPTS = [one.prompt for one in topic_rows(20, seed=9)] + ["sum", "", "word " * 500, "日本語", "total " * 40]


@pytest.fixture(scope="module")
def trained(tiny_encoder: Path) -> Callable[[str], TrainedRouter]:
    """A router of each kind, trained once on three topics."""
    found: dict[str, TrainedRouter] = {}

    def of(kind: str) -> TrainedRouter:
        if kind not in found:
            config = TrainConfig(router=kind, encoder=str(tiny_encoder), max_tokens=48, epochs=2)
            found[kind] = train(topic_rows(60), config)
        return found[kind]

    return of


@pytest.fixture(params=registry.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def router(kind: str, trained: Callable[[str], TrainedRouter]) -> Router:
    return trained(kind).router


def test_a_batch_predicts_what_each_prompt_does_alone(router: Router):
    together = router.predict(PROMPTS).values
    alone = np.vstack([router.predict([prompt]).values for prompt in PROMPTS])

    assert together == pytest.approx(alone, abs=0.01)  # half precision rounds by the batch's shape


def test_predictions_keep_the_order_of_the_prompts(router: Router):
    forwards = router.predict(PROMPTS).values
    backwards = router.predict(PROMPTS[::-1]).values

    assert forwards == pytest.approx(backwards[::-1], abs=0.01)


def test_probabilities_sum_to_one_and_qualities_lie_in_range(router: Router):
    found = router.predict(PROMPTS)

    assert found.values.shape == (len(PROMPTS), 3)
    assert np.isfinite(found.values).all()
    assert found.values.min() >= 0
    if found.kind is PredictionKind.PROBABILITIES:
        assert found.values.sum(axis=1) == pytest.approx(1)
    else:
        assert found.values.max() <= 1


def test_no_prompts_give_no_rows(router: Router):
    assert router.predict([]).values.shape == (0, 3)


def test_its_kind_is_registered_under_its_own_name(kind: str):
    assert registry.kind(kind).name == kind


def test_names_are_carried(router: Router):
    assert router.experts == EXPERTS
    assert router.predict(["one"]).experts == EXPERTS


def test_a_checkpoint_predicts_the_same(kind: str, trained: Callable[[str], TrainedRouter], tmp_path: Path):
    one = trained(kind)
    checkpoints.save(one.router, tmp_path / "checkpoint", one.manifest)

    loaded = checkpoints.load(tmp_path / "checkpoint")

    assert loaded.experts == EXPERTS
    assert np.array_equal(loaded.predict(PROMPTS).values, one.router.predict(PROMPTS).values)


def test_a_checkpoint_holds_no_pickle(kind: str, trained: Callable[[str], TrainedRouter], tmp_path: Path):
    one = trained(kind)
    checkpoints.save(one.router, tmp_path / "checkpoint", one.manifest)

    kinds = {path.suffix for path in (tmp_path / "checkpoint").rglob("*")}
    assert kinds <= {".json", ".safetensors"}


def test_training_twice_gives_the_same_router(kind: str, trained: Callable[[str], TrainedRouter], tiny_encoder: Path):
    config = trained(kind).manifest.config

    again = train(topic_rows(60), config).router

    assert np.array_equal(again.predict(PROMPTS).values, trained(kind).router.predict(PROMPTS).values)


def test_progress_is_told_up_to_the_end(kind: str, tiny_encoder: Path):
    told: list[float] = []

    train(
        topic_rows(30),
        TrainConfig(router=kind, encoder=str(tiny_encoder), epochs=2),
        lambda share, _: told.append(share),
    )

    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("text", ["[]", "{}", '{"added_tokens": []}'])
@pytest.mark.parametrize("kind", ["bert", "clusters"])
def test_a_tokenizer_that_is_none_is_a_damaged_checkpoint(
    kind: str, text: str, trained: Callable[[str], TrainedRouter], tmp_path: Path
):
    folder = tmp_path / "checkpoint"
    checkpoints.save(trained(kind).router, folder, trained(kind).manifest)
    (folder / "tokenizer.json").write_text(text)

    with pytest.raises(CheckpointError, match="copy"):
        checkpoints.load(folder)
