"""Fine-tune all parameters of an encoder (BERT in arXiv 2408.12320), against soft labels or each expert's quality."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from router import device
from router.bert import PREDICTIONS, BertRouter, Network
from router.best import Best
from router.config import Progress, TrainConfig
from router.datasets import Part, TrainingSet
from router.encoder import load_tokenizer, load_transformer
from router.losses import cross_entropy, quality_loss
from router.predictions import IntArray, PredictionKind
from router.tokens import Tokenizer, batches

#: Fewer validation prompts than this pick an epoch at random: then the last one is kept.
MIN_VALIDATION: Final = 30
#: Epochs without a better validation loss after which training ends.
PATIENCE: Final = 2
_WARM_UP: Final = 0.1
_WEIGHT_DECAY: Final = 0.01
_MAX_GRADIENT: Final = 1.0
#: Batches drawn together and sorted by length, so that less of a batch is padding.
_WINDOW: Final = 8


@dataclass(frozen=True, eq=False)
class Examples:
    """Token ids of n prompts with what is learned (n, m) and the experts that were there (n, m)."""

    ids: list[list[int]]
    targets: Tensor
    present: Tensor

    def __len__(self) -> int:
        return len(self.ids)


def fit(data: TrainingSet, config: TrainConfig, progress: Progress) -> BertRouter:
    """A router of `config.router`'s kind. The same seed, data, machine and number of threads give the same weights.

    The epoch with the best validation loss is kept, the last one where there are too few validation prompts.
    ConfigError where the encoder can't be had.
    """
    progress(0.0, f"loading the encoder {config.encoder}")
    tokenizer = load_tokenizer(config.encoder, config.max_tokens)
    train = _examples(data.train, tokenizer, config)
    config = config.model_copy(update={"epochs": epochs(sum(map(len, train.ids)), config)})
    # The caller's random numbers stay as they were; one device, as in `router.device`.
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        network = Network(load_transformer(config.encoder), len(data.experts)).to(device.exact().device)
        course = _Course(network, tokenizer, train, config)
        _run(course, _examples(data.validation, tokenizer, config), progress)
    return BertRouter(config.router, data.experts, network, tokenizer)


def epochs(tokens: int, config: TrainConfig) -> int:
    """How often so many tokens are gone through: on a CPU only as often as its budget allows."""
    if device.exact().device.type != "cpu":
        return config.epochs
    return min(config.epochs, max(1, config.cpu_tokens // max(1, tokens)))


class _Course:
    """One training: the network, its optimiser and its examples."""

    def __init__(self, network: Network, tokenizer: Tokenizer, train: Examples, config: TrainConfig) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.train = train
        self.config = config
        self.place = device.exact()
        self._compare = quality_loss if _learns_quality(config) else cross_entropy
        self.steps = config.epochs * -(-len(train) // config.batch_size)
        self.optimiser = AdamW(network.parameters(), lr=config.learning_rate, weight_decay=_WEIGHT_DECAY, fused=True)
        self.schedule = LambdaLR(self.optimiser, self._rate)
        self.random = np.random.default_rng(config.seed)

    def epoch(self, tell: Callable[[int], None]) -> float:
        """Learn from every example once, telling how many are done; the mean training loss."""
        self.network.train()
        total, done = 0.0, 0
        for batch in _shuffled(self.train, self.config.batch_size, self.random):
            loss = self.loss(self.train, batch)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            nn.utils.clip_grad_norm_(self.network.parameters(), _MAX_GRADIENT)
            self.optimiser.step()
            self.schedule.step()
            total += float(loss.detach()) * len(batch)
            done += len(batch)
            tell(done)
        return total / len(self.train)

    def measure(self, examples: Examples) -> float:
        """The mean loss on examples, learning nothing."""
        self.network.eval()
        total = 0.0
        with torch.inference_mode():
            for batch in batches([len(ids) for ids in examples.ids], self.place.tokens_per_batch):
                total += float(self.loss(examples, batch)) * len(batch)
        return total / len(examples)

    def loss(self, examples: Examples, batch: IntArray) -> Tensor:
        """Of one batch, over the experts that were there."""
        ids, mask = self.tokenizer.pad([examples.ids[i] for i in batch], self.place.device)
        targets = examples.targets[batch].to(self.place.device)
        present = examples.present[batch].to(self.place.device)
        with device.autocast():
            logits = self.network(ids, mask)
        return self._compare(logits, targets, present)

    def _rate(self, step: int) -> float:
        """Share of the peak learning rate: a linear rise, then a linear fall to 0."""
        warm_up = max(1, round(_WARM_UP * self.steps))
        return min((step + 1) / warm_up, max(0.0, (self.steps - step) / max(1, self.steps - warm_up)))


def _run(course: _Course, validation: Examples, progress: Progress) -> None:
    """Train for the epochs asked for or until validation stops improving, and leave the best weights in the network."""
    most, size = course.config.epochs, len(course.train)
    best = Best()
    for epoch in range(1, most + 1):
        before = (epoch - 1) * size
        text = f"epoch {epoch} of {most}"
        trained = course.epoch(lambda done: progress((before + done) / (most * size), text))  # noqa: B023 - called now
        text += f": training loss {trained:.4f}"
        if len(validation) >= MIN_VALIDATION:
            loss = course.measure(validation)
            best.consider(loss, epoch, course.network)
            text += f", validation loss {loss:.4f}"
        progress(epoch / most, text)
        if best.epoch and epoch - best.epoch >= PATIENCE:
            break
    if best.restore(course.network):
        progress(1.0, f"kept epoch {best.epoch}, validation loss {best.loss:.4f}")


def _examples(part: Part, tokenizer: Tokenizer, config: TrainConfig) -> Examples:
    targets = torch.from_numpy(part.qualities if _learns_quality(config) else part.labels).float()
    return Examples(tokenizer.ids(part.texts), targets, torch.from_numpy(part.present))


def _learns_quality(config: TrainConfig) -> bool:
    return PREDICTIONS[config.router] is PredictionKind.QUALITIES


def _shuffled(examples: Examples, batch_size: int, random: np.random.Generator) -> Iterator[IntArray]:
    """Batches in random order that hold texts of similar length: sorted only within windows of a random order."""
    order = random.permutation(len(examples))
    lengths = np.array([len(ids) for ids in examples.ids])
    window = batch_size * _WINDOW
    windows = [order[start : start + window] for start in range(0, len(order), window)]
    found = [part for indices in windows for part in _cut(indices[lengths[indices].argsort(kind="stable")], batch_size)]
    for i in random.permutation(len(found)):
        yield found[i]


def _cut(indices: IntArray, size: int) -> Sequence[IntArray]:
    return [indices[start : start + size] for start in range(0, len(indices), size)]
