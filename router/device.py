"""Where a model runs and in which precision: the only place that decides it.

A GPU takes half precision. On a CPU bfloat16 is 2.8 times as fast as float32 where the CPU computes in it (MiniLM-L6,
mixed lengths, AVX-512 with bf16), and slower where it only emulates it. The branches for a GPU have not been run:
no machine of ours has one.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Placement:
    """A device and the precision of the weights on it."""

    device: torch.device
    dtype: torch.dtype


def serving() -> Placement:
    """The fastest precision that the hardware computes in, for predicting."""
    if torch.cuda.is_available():
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
        return Placement(torch.device("cuda"), dtype)
    return Placement(torch.device("cpu"), torch.bfloat16 if _cpu_computes_bf16() else torch.float32)


def exact() -> Placement:
    """Full precision on the same device: for weights in training, and where a number is reported or compared."""
    return Placement(serving().device, torch.float32)


def autocast() -> torch.autocast:
    """Compute in bfloat16 over float32 weights, for training; float16 is not used, it would need its losses scaled."""
    place = serving()
    return torch.autocast(place.device.type, torch.bfloat16, enabled=place.dtype is torch.bfloat16)


def _cpu_computes_bf16() -> bool:
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))  # the last is ARM's
