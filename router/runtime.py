"""How a network that has learned is run: by OpenVINO on a CPU that has it, by torch elsewhere. Training knows neither.

OpenVINO fuses what torch runs operation by operation. docs/decisions/0009-openvino-on-cpus.md has the numbers.
"""

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any, Final

import torch
from torch import Tensor, nn

from router.device import Placement, Runtime
from router.tokens import Forward

log = logging.getLogger(__name__)

#: How far OpenVINO's numbers may be from torch's, as a share of the largest; bfloat16 alone makes up to .02.
TOLERANCE: Final = 0.1

#: Ids below this are tokens of any encoder.
_SMALLEST_VOCABULARY: Final = 16


def serving(network: nn.Module, place: Placement) -> Forward:
    """The network as `tokens.run` calls it, in the place's precision. Its own weights stay float32 with OpenVINO."""
    network.eval()
    if place.runtime is Runtime.OPENVINO:
        return _OpenVino(network, place)
    forward: nn.Module = network.to(place.device, place.dtype)
    return forward


class _OpenVino:
    """A network that is converted and compiled at its first call; one call at a time, on all of torch's threads.

    Where a network can't be converted, or says something else afterwards, torch runs it, and a warning says so.
    """

    def __init__(self, network: nn.Module, place: Placement) -> None:
        self._network = network
        self._place = place
        self._lock = threading.Lock()

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        with self._lock:
            return self._forward(ids, mask)

    @cached_property
    def _forward(self) -> Forward:
        try:
            forward = _compiled(self._network, self._place.dtype)
            _refuse_deviation(forward, self._network)
        except Exception as error:  # noqa: BLE001  # OpenVINO's and tracing's have no other base
            log.warning("OpenVINO does not take this encoder, so torch runs it: %s", " ".join(str(error).split())[:300])
            return serving(self._network, self._place.with_torch())
        return forward


def _compiled(network: nn.Module, dtype: torch.dtype) -> Forward:
    openvino = _openvino()
    core = _core()
    with warnings.catch_warnings(), _quiet("transformers"), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of every shape that it looks at; the result is checked
        model = openvino.convert_model(network, example_input=_example(2, 8))
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if dtype is torch.bfloat16 else "f32",
        "PERFORMANCE_HINT": "LATENCY",  # all threads on one batch: it comes back sooner, and needs one batch's memory
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "ENABLE_CPU_PINNING": False,  # the engines are on these cores too
    }
    request = core.compile_model(model, "CPU", options).create_infer_request()

    def forward(ids: Tensor, mask: Tensor) -> Tensor:
        return torch.from_numpy(request.infer([ids.numpy(), mask.numpy()])[0])

    return forward


@contextmanager
def _quiet(library: str) -> Iterator[None]:
    """Only errors: tracing reads every attribute, and transformers warns of a loss that nobody asked for."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _refuse_deviation(forward: Forward, network: nn.Module) -> None:
    """ValueError where the two differ on another shape than the traced one: tracing keeps what it took for constant."""
    ids, mask = _example(3, 21)
    with torch.inference_mode():
        wanted = network(ids, mask).float()
    deviation = float((forward(ids, mask) - wanted).abs().max() / wanted.abs().max())
    if not deviation <= TOLERANCE:
        raise ValueError(f"its output deviates by {deviation:.3f} of the largest value")


def _example(texts: int, tokens: int) -> tuple[Tensor, Tensor]:
    """Ids and mask (b, t), the last text with half its tokens."""
    ids = torch.arange(texts * tokens).reshape(texts, tokens) % _SMALLEST_VOCABULARY
    mask = torch.ones_like(ids)
    mask[-1, tokens // 2 :] = 0
    return ids, mask


@cache
def _core() -> Any:  # Any: as below
    """The one of this process, which never goes.

    It gives the main thread a stack for signals, and would free that while it is in use: the next SIGTERM would crash.
    """
    return _openvino().Core()


def _openvino() -> Any:  # Any: it ships no types that mypy reads
    # Where its telemetry package is installed it reports its use to its makers, beginning with the import.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # how Python spells "can't be imported"
    import openvino  # noqa: PLC0415  # half a second, for those who predict

    return openvino
