"""Where a model runs and in which precision: the only place that decides it.

A GPU takes half precision. On a CPU bfloat16 is 2.8 times as fast as float32 where the CPU computes in it (MiniLM-L6,
mixed lengths, AVX-512 with bf16), and slower where it only emulates it. The branches for a GPU have not been run:
no machine of ours has one.
"""

from dataclasses import dataclass, replace
from typing import Final

import torch

#: MiniLM-L6 on 2 busy cores, 400 RouterDC prompts: 57 to 61 prompts per CPU second in bfloat16 at 1,024 and 2,048
#: tokens, 54 and 50 at 4,096 and 8,192; float32 28 to 32, with the same order.
_CPU_TOKENS: Final = 2048
_GPU_TOKENS: Final = 65_536  # a guess, not run


@dataclass(frozen=True)
class Placement:
    """A device, the precision of the weights on it, and how many tokens one forward pass takes there."""

    device: torch.device
    dtype: torch.dtype
    tokens_per_batch: int  # padding included


def serving() -> Placement:
    """The fastest precision that the hardware computes in, for predicting."""
    if torch.cuda.is_available():
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
        return Placement(torch.device("cuda"), dtype, _GPU_TOKENS)
    dtype = torch.bfloat16 if _cpu_computes_bf16() else torch.float32
    return Placement(torch.device("cpu"), dtype, _CPU_TOKENS)


def exact() -> Placement:
    """Full precision on the same device: for weights in training, and where a number is reported or compared."""
    return replace(serving(), dtype=torch.float32)


def autocast() -> torch.autocast:
    """Compute in bfloat16 over float32 weights, for training; float16 is not used, it would need its losses scaled."""
    place = serving()
    return torch.autocast(place.device.type, torch.bfloat16, enabled=place.dtype is torch.bfloat16)


def _cpu_computes_bf16() -> bool:
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))  # the last is ARM's
