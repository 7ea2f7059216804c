"""Are a network's weights those that its configuration describes? It could ask for more memory than there is."""

from collections import Counter
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModel

from core.errors import CheckpointError

WEIGHTS: Final = "model.safetensors"


def check(folder: Path) -> None:
    """CheckpointError for an encoder that `config.json` describes otherwise than its weights are.

    Nothing of it is allocated. transformers would fill what doesn't fit with random numbers, and say so in a log.
    """
    stored = _stored(folder / WEIGHTS)
    # Not by name, since some networks are stored under other names than they have.
    lacking = _described(folder, most_layers=stored.total()) - stored
    if lacking:
        raise _unfit(folder, f"weights of the shapes {sorted(lacking)[:3]}")


def _stored(path: Path) -> Counter[tuple[int, ...]]:
    """Shapes of the tensors in a file, of which the header alone is read."""
    try:
        with safe_open(path, "pt") as file:
            return Counter(tuple(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118  # no dict
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: truncated or damaged ({error}): copy the checkpoint again") from error


def _described(folder: Path, most_layers: int) -> Counter[tuple[int, ...]]:
    """Shapes of the weights that the configuration describes."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        # Each layer would be made, before its shapes are known.
        layers = range(config.num_hidden_layers)[: most_layers + 1]
        config.num_hidden_layers = len(layers)
        with torch.device("meta"):
            network = AutoModel.from_config(config, trust_remote_code=False)
    except Exception as error:  # whatever a configuration's or a network's own code raises
        raise CheckpointError(f"{folder}: config.json describes no encoder ({error}): copy it again") from error
    return Counter(tuple(one.shape) for one in network.parameters())


def _unfit(folder: Path, wanted: str) -> CheckpointError:
    return CheckpointError(
        f"{folder}: config.json describes {wanted}, which {WEIGHTS} has not: the files are not of one checkpoint; "
        "copy or train again"
    )
