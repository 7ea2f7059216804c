"""The routers by name: how each is trained and loaded. The one place to add a router.

A module of a router has `fit` and `load`, and its router `kind` and `save`. It is imported when asked for, so that
naming a router loads no torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from core.errors import InvalidInputError
from router.config import Progress, TrainConfig
from router.manifest import Manifest
from router.predictions import Router

if TYPE_CHECKING:
    from router.datasets import TrainingSet


class StorableRouter(Router, Protocol):
    """A router that can write into a folder what its module's `load` needs."""

    @property
    def kind(self) -> str: ...

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class RouterKind:
    """How to make a router of one kind from outcomes, and from a checkpoint's folder."""

    name: str
    fit: Callable[["TrainingSet", TrainConfig, Progress], StorableRouter]
    load: Callable[[Path, Manifest], Router]
    #: Fitted in seconds, so once the validation prompts have measured it, it is fitted again on them too.
    refit: bool = False
    #: Fits each expert for itself, so a prompt that only one expert answered teaches it something too.
    partial: bool = False


def _random() -> RouterKind:
    from router import baselines  # noqa: PLC0415 - imported when asked for

    return RouterKind("random", baselines.fit, baselines.load)


def _mlp() -> RouterKind:
    from router import mlp  # noqa: PLC0415 - torch is imported when asked for

    return RouterKind("mlp", mlp.fit, mlp.load)


def _bert(name: str) -> RouterKind:
    from router import bert, fine_tuning  # noqa: PLC0415 - as above

    return RouterKind(name, fine_tuning.fit, bert.load, partial=name == "bert-heads")


def _frozen(name: str) -> RouterKind:
    from router import blend, clusters, frozen, nearest, regression  # noqa: PLC0415 - as above

    kinds = {one.name: one for one in (nearest.ONE, nearest.MEAN, clusters.KIND, regression.KIND, blend.KIND)}
    fit, load = frozen.fitting(kinds[name]), frozen.loading(kinds[name])
    return RouterKind(name, fit, load, refit=True, partial=name == regression.KIND.name)


KINDS: Final[Mapping[str, Callable[[], RouterKind]]] = MappingProxyType(
    {
        "random": _random,
        "mlp": _mlp,
        "bert": partial(_bert, "bert"),
        "bert-heads": partial(_bert, "bert-heads"),
        **{name: partial(_frozen, name) for name in ("1nn", "knn", "clusters", "heads", "blend")},
    }
)


#: The one to take unless another is named; docs/results.md has the numbers.
DEFAULT: Final = "blend"


def kind(name: str) -> RouterKind:
    """The kind of router called `name`; InvalidInputError with the known ones otherwise."""
    if name not in KINDS:
        raise InvalidInputError(f"unknown router {name!r}: choose one of {', '.join(KINDS)}", param="router")
    return KINDS[name]()
