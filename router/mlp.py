"""The MLP router of arXiv 2408.12320: a bag of words, one hidden layer, soft labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import scipy.sparse
import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from sklearn.feature_extraction.text import HashingVectorizer
from torch import Tensor, nn
from torch.optim import AdamW

from core.errors import CheckpointError
from router.best import Best
from router.config import Progress, TrainConfig
from router.datasets import Part, TrainingSet
from router.losses import cross_entropy
from router.manifest import Manifest
from router.predictions import IntArray, PredictionKind, Predictions

WEIGHTS: Final = "model.safetensors"

#: Words are told apart by a hash, so that there is no vocabulary to store and no word that is unknown.
WORDS: Final = 2**14
_HIDDEN: Final = 128
_DROPOUT: Final = 0.3
_EPOCHS: Final = 30
_PATIENCE: Final = 3
_BATCH: Final = 64
_LEARNING_RATE: Final = 1e-3
_WEIGHT_DECAY: Final = 0.01


class MlpRouter:
    """Says how probable it is that each expert answers best, from the words of the prompt."""

    kind: ClassVar[str] = "mlp"

    def __init__(self, experts: tuple[str, ...], network: nn.Module) -> None:
        self.experts = experts
        self._network = network.eval()

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """Probabilities (n, m)."""
        logits = _logits(self._network, _bags(prompts))
        return Predictions(self.experts, torch.softmax(logits.double(), dim=1).numpy(), PredictionKind.PROBABILITIES)

    def save(self, folder: Path) -> None:
        save_model(self._network, str(folder / WEIGHTS))


def fit(data: TrainingSet, config: TrainConfig, progress: Progress) -> MlpRouter:
    """Trained until the validation loss has not fallen for three epochs; the best epoch is kept."""
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        network = _network(len(data.experts))
        _train(network, data, np.random.default_rng(config.seed), progress)
    return MlpRouter(data.experts, network)


def load(folder: Path, manifest: Manifest) -> MlpRouter:
    network = _network(len(manifest.experts))
    try:
        load_model(network, folder / WEIGHTS)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{folder / WEIGHTS}: missing or damaged ({error}): copy the checkpoint again") from error
    return MlpRouter(manifest.experts, network)


def _network(experts: int) -> nn.Module:
    return nn.Sequential(nn.Linear(WORDS, _HIDDEN), nn.ReLU(), nn.Dropout(_DROPOUT), nn.Linear(_HIDDEN, experts))


def _train(network: nn.Module, data: TrainingSet, random: np.random.Generator, progress: Progress) -> None:
    bags, held = _bags(data.train.texts), _bags(data.validation.texts)
    optimiser = AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    best = Best()
    for epoch in range(1, _EPOCHS + 1):
        network.train()
        for batch in np.array_split(random.permutation(len(data.train)), -(-len(data.train) // _BATCH)):
            loss = _loss(network(_dense(bags[batch])), data.train, batch)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            optimiser.step()
        progress(epoch / _EPOCHS, f"epoch {epoch} of at most {_EPOCHS}")
        if not len(data.validation):
            continue
        loss = _loss(_logits(network, held), data.validation, np.arange(len(data.validation)))
        best.consider(float(loss), epoch, network)
        if epoch - best.epoch >= _PATIENCE:
            break
    best.restore(network)


def _loss(logits: Tensor, part: Part, rows: IntArray) -> Tensor:
    labels, present = torch.from_numpy(part.labels[rows]).float(), torch.from_numpy(part.present[rows])
    return cross_entropy(logits, labels, present)


def _logits(network: nn.Module, bags: scipy.sparse.csr_matrix) -> Tensor:
    """(n, m), 1,024 prompts at a time: dense bags are wide."""
    network.eval()
    with torch.inference_mode():
        parts = [network(_dense(bags[start : start + 1024])) for start in range(0, max(1, bags.shape[0]), 1024)]
    return torch.cat(parts)


def _bags(texts: Sequence[str]) -> scipy.sparse.csr_matrix:
    """Counts of words and pairs of words, scaled to length 1 (n, words)."""
    if not texts:  # which the vectorizer refuses
        return scipy.sparse.csr_matrix((0, WORDS))
    vectorizer = HashingVectorizer(n_features=WORDS, ngram_range=(1, 2), alternate_sign=False, norm="l2")
    return vectorizer.transform(texts).tocsr()


def _dense(bags: scipy.sparse.csr_matrix) -> Tensor:
    return torch.from_numpy(bags.toarray()).float()
