"""Adapters that vLLM loads at run time: several experts in one engine, on one base. Imports vLLM in one function."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from experts.weights import Weights


@dataclass(frozen=True)
class Adapters:
    """The adapters of an engine; an expert that is the base itself has none."""

    requests: Mapping[str, Any] = field(default_factory=dict)  # vllm.LoRARequest (untyped) by expert
    #: Modules that any of them changes, by their last name; None where one of them says so by a pattern.
    targets: tuple[str, ...] | None = ()

    @classmethod
    def of(cls, weights: Mapping[str, Weights]) -> Self:
        """Those that were left out of the weights. OSError or ValueError where one can't be read."""
        from vllm.lora.request import LoRARequest  # noqa: PLC0415 - vLLM is for the process that runs it

        paths = {name: each.adapter for name, each in weights.items() if each.adapter is not None}
        requests = {
            name: LoRARequest(lora_name=name, lora_int_id=i, lora_path=path)
            for i, (name, path) in enumerate(paths.items(), start=1)
        }
        return cls(requests, targets_of(Path(path) for path in paths.values()))

    @property
    def spares_head(self) -> bool:
        """Whether vLLM (0.32) can weigh a given text while they are loaded.

        Wherever it wraps the output layer for adapters, prompt log-probabilities of one request in a batch of several
        end its EngineCore ("einsum(): subscript b has size 3 …"). It leaves that layer alone where `targets` are known
        and don't name it.
        """
        return self.targets is not None and "lm_head" not in self.targets

    def arguments(self, max_rank: int) -> dict[str, Any]:  # Any: arguments of vLLM's AsyncEngineArgs
        if not self.requests:
            return {}
        return {
            "enable_lora": True,
            # One slot stays empty: on a CPU vLLM (0.32) gives prompts without an adapter the last slot's (index -1).
            "max_loras": len(self.requests) + 1,
            "max_lora_rank": max_rank,
            "lora_target_modules": None if self.targets is None else list(self.targets),
        }


def targets_of(folders: Iterable[Path]) -> tuple[str, ...] | None:
    """Names of the modules that the adapters in these folders change; None where one of them has a pattern instead."""
    named: set[str] = set()
    for folder in folders:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        targets = config.get("target_modules")
        if not isinstance(targets, list) or config.get("modules_to_save"):
            return None
        named.update(target.rpartition(".")[2] for target in targets)
    return tuple(sorted(named))
