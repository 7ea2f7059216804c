"""Where a model runs and in which precision: the only place that decides it.

A GPU takes half precision. On a CPU bfloat16 is 2.8 times as fast as float32 where the CPU computes in it (MiniLM-L6,
mixed lengths, AVX-512 with bf16), and slower where it only emulates it. The branches for a GPU have not been run:
no machine of ours has one.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.util import find_spec
from typing import Final, Self

import torch

#: MiniLM-L6 on 2 busy cores, 400 RouterDC prompts: 57 to 61 prompts per CPU second in bfloat16 at 1,024 and 2,048
#: tokens, 54 and 50 at 4,096 and 8,192; float32 28 to 32, with the same order.
_CPU_TOKENS: Final = 2048
_GPU_TOKENS: Final = 65_536  # a guess, not run


class Runtime(StrEnum):
    """What computes a forward pass."""

    TORCH = "torch"
    OPENVINO = "openvino"  # on a CPU; twice torch's speed there, and can't be trained


@dataclass(frozen=True)
class Placement:
    """A device, the precision computed in, how many tokens one forward pass takes there, and what computes it."""

    device: torch.device
    dtype: torch.dtype
    tokens_per_batch: int  # padding included
    runtime: Runtime = Runtime.TORCH

    def with_torch(self) -> Self:
        """The same without any other runtime."""
        return replace(self, runtime=Runtime.TORCH)


def serving() -> Placement:
    """The fastest precision that the hardware computes in, and what is installed to compute it, for predicting."""
    if torch.cuda.is_available():
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
        return Placement(torch.device("cuda"), dtype, _GPU_TOKENS)
    dtype = torch.bfloat16 if _cpu_computes_bf16() else torch.float32
    runtime = Runtime.OPENVINO if find_spec("openvino") else Runtime.TORCH
    return Placement(torch.device("cpu"), dtype, _CPU_TOKENS, runtime)


def exact() -> Placement:
    """Torch in full precision on the same device: for training, and where a number is reported or compared."""
    return replace(serving().with_torch(), dtype=torch.float32)


def autocast() -> torch.autocast:
    """Compute in bfloat16 over float32 weights, for training; float16 is not used, it would need its losses scaled."""
    place = serving()
    return torch.autocast(place.device.type, torch.bfloat16, enabled=place.dtype is torch.bfloat16)


def _cpu_computes_bf16() -> bool:
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))  # the last is ARM's
