"""Choose the engine for one entry of the catalogue, or for several that share one model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.errors import ConfigError
from core.schemas.experts import EngineKind, ExpertSpec
from experts.engine import Engine

#: Fields in which the experts of one engine must agree, since they are the engine's.
SHARED: Final = ("engine", "model", "context_tokens", "options", "limits")


def create(specs: Sequence[ExpertSpec], cache: Path) -> Engine:
    """The engine that answers for `specs`, not yet started; prepared weights are kept in `cache`.

    Several entries can share an engine where it is vLLM's and they differ in their adapters only (which then load at
    run time). ConfigError where they differ in more.
    """
    _check_sharable(specs)
    match specs[0].engine:
        case EngineKind.VLLM:
            from experts.vllm_engine import VllmEngine  # noqa: PLC0415 - imported where it is used: it is big

            return VllmEngine(specs, cache)
        case EngineKind.OPENAI:
            from experts.remote import RemoteEngine  # noqa: PLC0415 - its client is an optional extra

            return RemoteEngine(specs[0])
        case EngineKind.SYNTHETIC:
            from experts.synthetic import SyntheticEngine  # noqa: PLC0415 - as the others

            return SyntheticEngine(specs[0])


def _check_sharable(specs: Sequence[ExpertSpec]) -> None:
    if not specs:
        raise ConfigError("an engine needs at least one expert: name one from the catalogue")
    if len(specs) == 1:
        return
    first, names = specs[0], ", ".join(spec.name for spec in specs)
    if first.engine is not EngineKind.VLLM:
        raise ConfigError(f"{names} can't share one engine: only vLLM serves several; start a worker for each")
    for field in SHARED:
        for spec in specs[1:]:
            ours, theirs = getattr(first, field), getattr(spec, field)
            if ours != theirs:
                raise ConfigError(
                    f"{first.name} and {spec.name} can't share one engine: their {field} differ ({ours!r} and "
                    f"{theirs!r}). Make them equal in the catalogue, or start a worker for each"
                )
