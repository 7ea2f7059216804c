"""The BERT router's checkpoint and batching, with a tiny random encoder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import CheckpointError, ConfigError
from router import checkpoints, device
from router.bert import WEIGHTS
from router.config import TrainConfig
from router.datasets import training_set
from router.device import Placement
from router.encoder import load_tokenizer, locate
from router.fine_tuning import epochs
from router.tokens import batches
from router.training import train
from tests.router_factories import topic_rows

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = topic_rows(40)


@pytest.fixture
def folder(tiny_encoder: Path, tmp_path: Path) -> Path:
    trained = train(ROWS, TrainConfig(encoder=str(tiny_encoder), epochs=1))
    checkpoints.save(trained.router, tmp_path / "checkpoint", trained.manifest)
    return tmp_path / "checkpoint"


def test_loading_needs_no_original_encoder(tiny_encoder: Path, folder: Path):
    path = folder / checkpoints.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["config"]["encoder"] = "wheel:gone"
    path.write_text(json.dumps(manifest))

    assert checkpoints.load(folder).predict(["sum"]).values.shape == (1, 3)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS])
def test_a_missing_file_is_named(folder: Path, name: str):
    (folder / name).unlink()

    with pytest.raises(CheckpointError, match=rf"{name}: missing or damaged .* copy the checkpoint again"):
        checkpoints.load(folder)


def test_truncated_weights_are_refused(folder: Path):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])

    with pytest.raises(CheckpointError, match=rf"{WEIGHTS}: truncated or damaged"):
        checkpoints.load(folder)


def test_weights_for_another_number_of_experts_are_refused(folder: Path):
    path = folder / checkpoints.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"experts": ["a", "b"]}))

    with pytest.raises(CheckpointError, match=rf"{WEIGHTS}: weights of other shapes .* head"):
        checkpoints.load(folder)


def test_a_configuration_of_no_encoder_is_refused(folder: Path):
    (folder / "config.json").write_text("{}")

    with pytest.raises(CheckpointError, match=r"describes no encoder"):
        checkpoints.load(folder)


def test_a_long_text_keeps_its_head_and_its_tail(tiny_encoder: Path):
    tokenizer = load_tokenizer(str(tiny_encoder), max_tokens=16)
    words = [one for row in ROWS for one in row.prompt.split()]

    whole = load_tokenizer(str(tiny_encoder), max_tokens=64).ids([" ".join(words[:40])])[0]
    cut = tokenizer.ids([" ".join(words[:40])])[0]

    assert len(whole) == 42
    assert cut == whole[:12] + whole[-4:]


def test_more_tokens_than_the_encoder_takes_are_never_kept(tiny_encoder: Path):
    assert len(load_tokenizer(str(tiny_encoder), max_tokens=10_000).ids(["sum " * 500])[0]) == 64


def test_a_very_long_text_keeps_the_same_head_and_tail(tiny_encoder: Path):
    """Its middle is dropped before tokenizing, which must not change what is kept."""
    tokenizer = load_tokenizer(str(tiny_encoder), max_tokens=16)
    words = " ".join(one.prompt for one in ROWS)

    assert tokenizer.ids([f"{words} " * 500]) == tokenizer.ids([f"{words} {words}"])


def test_batches_hold_similar_lengths_within_the_budget():
    lengths = [3, 50, 7, 49, 2, 100, 120]

    found = [batch.tolist() for batch in batches(lengths, tokens_per_batch=100)]

    assert found == [[6], [5], [1, 3], [2, 0, 4]]


def test_no_texts_make_no_batch():
    assert list(batches([], 100)) == []


def test_an_encoder_that_is_not_there_is_refused_with_the_cure(tmp_path: Path):
    with pytest.raises(ConfigError, match="no installed package 'no-such-wheel' with a model"):
        locate("wheel:no-such-wheel")
    with pytest.raises(ConfigError, match="can't be loaded"):
        load_tokenizer(str(tmp_path), 16)


def test_training_ends_when_the_validation_loss_stops_falling_and_keeps_the_best_epoch(tiny_encoder: Path):
    told: list[str] = []
    rows = topic_rows(160)
    config = TrainConfig(encoder=str(tiny_encoder), epochs=40, learning_rate=0.3, validation_share=0.3)

    router = train(rows, config, lambda _, text: told.append(text)).router

    validation = training_set(rows, config).validation
    loss = -(validation.labels * np.log(router.predict(validation.texts).values)).sum(axis=1).mean()
    losses = [float(text.rsplit("validation loss ")[1]) for text in told if "validation loss" in text]
    assert not any(text.startswith("epoch 40") for text in told)
    assert losses[-2] > min(losses) + 0.01  # of the epoch trained last; the last word is of the one that was kept
    assert loss == pytest.approx(min(losses), abs=0.001)


def test_an_expert_absent_from_half_the_rows_is_not_taken_for_a_bad_one(tiny_encoder: Path):
    """The loss looks at present experts only: absence must not push an expert's probability down."""
    rows = [
        one.model_copy(update={"outcomes": {k: v for k, v in one.outcomes.items() if i % 4 or k != "math"}})
        for i, one in enumerate(topic_rows(60, gap=0.0))
    ]

    router = train(rows, TrainConfig(encoder=str(tiny_encoder), epochs=8, learning_rate=3e-3)).router

    assert np.abs(router.predict([one.prompt for one in rows]).values.mean(axis=0) - 1 / 3).max() < 0.05


@pytest.mark.parametrize(("tokens", "expected"), [(0, 5), (100, 5), (400, 2), (5000, 1)])
def test_a_cpu_goes_through_as_many_epochs_as_its_budget_of_tokens_allows(
    monkeypatch: pytest.MonkeyPatch, tokens: int, expected: int
):
    monkeypatch.setattr(device, "exact", lambda: Placement(torch.device("cpu"), torch.float32, 2048))

    assert epochs(tokens, TrainConfig(epochs=5, cpu_tokens=1000)) == expected


def test_a_gpu_goes_through_all_epochs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device, "exact", lambda: Placement(torch.device("cuda"), torch.float32, 2048))

    assert epochs(5000, TrainConfig(epochs=5, cpu_tokens=1000)) == 5
