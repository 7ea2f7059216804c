"""The routers by name: how each is trained and loaded. The one place to add a router.

A module of a router has `fit` and `load`, and its router `kind` and `save`. It is imported when asked for, so that
naming a router loads no torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


def _random() -> RouterKind:
    from router import baselines  # noqa: PLC0415 - imported when asked for

    return RouterKind("random", baselines.fit, baselines.load)


def _bert() -> RouterKind:
    from router import bert, fine_tuning  # noqa: PLC0415 - torch is imported when asked for

    return RouterKind("bert", fine_tuning.fit, bert.load)


KINDS: Final[Mapping[str, Callable[[], RouterKind]]] = MappingProxyType({"random": _random, "bert": _bert})


def kind(name: str) -> RouterKind:
    """The kind of router called `name`; InvalidInputError with the known ones otherwise."""
    if name not in KINDS:
        raise InvalidInputError(f"unknown router {name!r}: choose one of {', '.join(KINDS)}", param="router")
    return KINDS[name]()
