"""Checkpoints from anywhere: whatever their arrays and configurations say, they predict or are refused."""

import json
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import save_file

from core.errors import CheckpointError
from router import checkpoints, device
from router.config import TrainConfig
from router.encoder import Encoder
from router.experience import CALIBRATION
from router.frozen import HEAD
from router.lexical import FEATURES
from router.manifest import Manifest
from tests.fuzz.strangers import JSON, cut
from tests.router_factories import topic_rows, write_tiny_encoder

EXPERTS = ("a", "b", "c")
WIDTH = 16  # of the tiny encoder

#: Arrays that each kind of head stores, by their right shapes.
RIGHT = {
    "1nn": {"vectors": (5, WIDTH), "labels": (5, 3)},
    "knn": {"vectors": (5, WIDTH), "values": (5, 3), "k": (1,)},
    "clusters": {"centres": (2, 4, WIDTH), "means": (2, 4, 3)},
    "heads": {"weights": (WIDTH, 3), "intercepts": (3,)},
}

#: Sizes of a configuration that could ask for all memory there is.
SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "intermediate_size",
    "max_position_embeddings",
    "num_attention_heads",
)

FEWER = settings(max_examples=60)


@pytest.fixture(scope="module", autouse=True)
def by_torch() -> Iterator[None]:
    """Converting a network takes a second or two."""
    place = device.serving().with_torch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "serving", lambda: place)
        yield


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    return write_tiny_encoder(folder, [one.prompt for one in topic_rows(30)])


def copy(encoder: Path, kind: str, arrays: dict[str, np.ndarray]) -> Path:
    folder = Path(tempfile.mkdtemp(dir=encoder.parent))
    shutil.copytree(encoder, folder, dirs_exist_ok=True)
    save_file({name: np.ascontiguousarray(one) for name, one in arrays.items()}, folder / HEAD)
    manifest = Manifest(kind=kind, experts=EXPERTS, config=TrainConfig(router=kind))
    (folder / checkpoints.MANIFEST).write_text(manifest.model_dump_json())
    return folder


def right(kind: str) -> dict[str, np.ndarray]:
    return {name: np.ones(shape) for name, shape in RIGHT[kind].items()}


def predict_or_refuse(folder: Path) -> None:
    try:
        router = checkpoints.load(folder)
    except CheckpointError as error:
        if str(folder) not in str(error):
            raise
    else:
        assert router.predict(["sum apples", ""]).values.shape == (2, 3)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("kind", RIGHT)
def test_a_head_of_the_right_shapes_predicts(kind: str, encoder: Path):
    assert checkpoints.load(copy(encoder, kind, right(kind))).predict(["sum"]).values.shape == (1, 3)


SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=20)
ARRAYS = arrays.arrays(st.sampled_from([np.float64, np.float32, np.int64, np.int8, np.bool_]), SHAPES)


@FEWER
@given(st.sampled_from(sorted(RIGHT)), st.data())
def test_a_head_of_any_shapes_predicts_or_is_refused(encoder: Path, kind: str, data: st.DataObject):
    name = data.draw(st.sampled_from(sorted(RIGHT[kind])))
    found = data.draw(ARRAYS | st.just(None))
    head = right(kind) | ({} if found is None else {name: found})

    predict_or_refuse(copy(encoder, kind, {key: one for key, one in head.items() if key != name or found is not None}))


@settings(max_examples=20)
@given(ARRAYS, ARRAYS)
def test_a_blend_of_any_shapes_predicts_or_is_refused(encoder: Path, by_vector: np.ndarray, means: np.ndarray):
    blend = {
        "idf": np.ones(FEATURES),
        "by_vector": by_vector,
        "by_ngram": np.zeros((FEATURES, 3)),
        "centres": np.ones((2, 4, WIDTH)),
        "means": means,
    }

    predict_or_refuse(copy(encoder, "blend", blend))


@FEWER
@given(ARRAYS, ARRAYS, ARRAYS)
def test_a_calibration_of_any_shapes_is_taken_or_refused(
    encoder: Path, values: np.ndarray, qualities: np.ndarray, baseline: np.ndarray
):
    folder = copy(encoder, "heads", right("heads"))
    save_file({"values": values, "qualities": qualities, "baseline": baseline}, folder / CALIBRATION)

    predict_or_refuse(folder)


@FEWER
@given(
    st.sampled_from(["model.safetensors", HEAD, "config.json", "tokenizer.json", "tokenizer_config.json"]), st.data()
)
def test_a_damaged_file_is_refused_or_does_no_harm(encoder: Path, name: str, data: st.DataObject):
    folder = copy(encoder, "heads", right("heads"))
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(data.draw(cut(content) | cut(content[:200]) | st.binary(max_size=20)))

    predict_or_refuse(folder)


@FEWER
@given(st.sampled_from(SIZES), st.integers(-1, 10**12) | JSON)
@pytest.mark.parametrize("kind", ["heads", "bert"])
def test_a_configuration_that_asks_for_other_sizes_is_refused(encoder: Path, kind: str, name: str, size: object):
    folder = copy(encoder, kind, right("heads"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {name: size}))

    predict_or_refuse(folder)


@pytest.mark.parametrize(
    ("name", "size"), [("vocab_size", 10**10), ("num_hidden_layers", 10**7), ("hidden_size", 2**20)]
)
def test_a_network_larger_than_its_weights_takes_no_memory(encoder: Path, name: str, size: int):
    folder = copy(encoder, "heads", right("heads"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {name: size}))

    with pytest.raises(CheckpointError, match=r"config.json describes"):
        checkpoints.load(folder)


def test_weights_that_claim_more_than_they_hold_are_refused(encoder: Path):
    folder = copy(encoder, "heads", right("heads"))
    header = json.dumps({"weights": {"dtype": "F64", "shape": [2**40, 3], "data_offsets": [0, 3 * 2**43]}}).encode()
    (folder / HEAD).write_bytes(struct.pack("<Q", len(header)) + header)

    with pytest.raises(CheckpointError, match=HEAD):
        checkpoints.load(folder)


def test_a_pickle_in_the_place_of_weights_is_never_opened(encoder: Path):
    folder = copy(encoder, "heads", right("heads"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    with pytest.raises(CheckpointError, match=r"pytorch_model.bin: has no place"):
        checkpoints.load(folder)
    (folder / "pytorch_model.bin").rename(folder / "pytorch_model.txt")
    with pytest.raises(CheckpointError):
        checkpoints.load(folder)
    with pytest.raises(Exception, match="safetensors"):
        Encoder.load(str(folder))
