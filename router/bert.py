"""The BERT routers: an encoder with one output per expert, and how they are built, stored and loaded. No training here.

`bert` is that of arXiv 2408.12320, whose outputs compete (softmax): who is the best? In `bert-heads` each stands for
itself (sigmoid): how good is each?
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from core.errors import CheckpointError
from router import device, runtime, sizes
from router.encoder import mean_pooled, token_limit
from router.manifest import Manifest
from router.predictions import PredictionKind, Predictions
from router.tokens import Tokenizer, run

WEIGHTS: Final = "model.safetensors"

#: The kinds of router here, and what they say.
PREDICTIONS: Final = {"bert": PredictionKind.PROBABILITIES, "bert-heads": PredictionKind.QUALITIES}

_JSON_FILES: Final = ("config.json", "tokenizer.json", "tokenizer_config.json")


class Network(nn.Module):
    """A transformer and a linear layer over the mean of its token vectors: one logit per expert."""

    def __init__(self, encoder: nn.Module, experts: int) -> None:
        super().__init__()
        self.encoder = encoder
        width: int = encoder.config.hidden_size  # type: ignore[assignment, union-attr] # nn.Module hides its type
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(width, experts)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token ids and mask (b, t) to logits (b, m)."""
        pooled = mean_pooled(self.encoder, ids, mask)
        logits: Tensor = self.head(self.dropout(pooled.to(self.head.weight.dtype)))
        return logits


class BertRouter:
    """A fine-tuned encoder that predicts what its kind says."""

    def __init__(self, kind: str, experts: tuple[str, ...], network: Network, tokenizer: Tokenizer) -> None:
        self.kind = kind
        self.experts = experts
        self._place = device.serving()
        self._network = network
        self._forward = runtime.serving(network, self._place)
        self._tokenizer = tokenizer

    def predict(self, prompts: Sequence[str]) -> Predictions:
        """Values (n, m), from forward passes over length-sorted batches."""
        rows = run(prompts, self._tokenizer, self._forward, self._place)
        logits = torch.stack(rows).double() if rows else torch.empty((0, len(self.experts)), dtype=torch.float64)
        prediction = PREDICTIONS[self.kind]
        values = logits.sigmoid() if prediction is PredictionKind.QUALITIES else logits.softmax(dim=1)
        return Predictions(self.experts, values.numpy(), prediction)

    def save(self, folder: Path) -> None:
        """Weights, the transformer's configuration and the tokenizer."""
        save_model(self._network, str(folder / WEIGHTS))
        self._network.encoder.config.save_pretrained(folder)  # type: ignore[operator, union-attr] # as above
        self._tokenizer.save(folder)


def load(folder: Path, manifest: Manifest) -> BertRouter:
    """The router of a checkpoint folder, built from its own configuration; CheckpointError naming file and cure."""
    for name in (*_JSON_FILES, WEIGHTS):
        _refuse_damaged(folder / name)
    try:
        sizes.check(folder)
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        network = Network(AutoModel.from_config(config, trust_remote_code=False), len(manifest.experts))
    except CheckpointError:
        raise
    except Exception as error:  # tokenizers raises nothing more special
        raise CheckpointError(
            f"{folder}: {', '.join(_JSON_FILES)} describe no encoder ({error}): copy it again"
        ) from error
    _load_weights(network, folder / WEIGHTS)
    limit = min(manifest.config.max_tokens, token_limit(tokenizer, config))
    return BertRouter(manifest.kind, manifest.experts, network, Tokenizer(tokenizer, limit))


def _refuse_damaged(path: Path) -> None:
    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif not path.is_file():
            raise FileNotFoundError("no such file")
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: missing or damaged ({error}): copy the checkpoint again, or train again"
        ) from error


def _load_weights(network: Network, path: Path) -> None:
    try:
        load_model(network, path)
    except SafetensorError as error:
        raise CheckpointError(f"{path}: truncated or damaged ({error}): copy the checkpoint again") from error
    except RuntimeError as error:  # what torch raises for missing weights and wrong shapes
        reason = " ".join(str(error).split())
        raise CheckpointError(
            f"{path}: weights of other shapes than config.json and the manifest's experts say ({reason:.300}): "
            "the files come from different checkpoints; copy or train again"
        ) from error
