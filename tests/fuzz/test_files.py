"""Files that operators hand over: catalogues, prompts, outcomes, manifests. Refused with the file's name, or read."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import prompt_files
from core.errors import CheckpointError, ConfigError, InvalidInputError, TorouterError
from experts import catalogue
from experts.catalogue import SHIPPED
from router import checkpoints, outcomes
from router.config import TrainConfig
from router.manifest import Manifest
from tests.fuzz.strangers import TEXT, cut, lines, nearly

PROMPT = {"id": "7", "messages": [{"role": "user", "content": "Hi"}], "reference": "4", "dataset": "sums"}
OUTCOME = {
    "id": "7",
    "dataset": "sums",
    "prompt": "2 + 2?",
    "outcomes": {"a": {"bertsim": 0.5, "latency_s": 1, "input_tokens": 3, "cost": 0.1}, "b": {"score": 1, "own": 7}},
}
ENTRY = """\
[experts.law]
engine = "synthetic"
model = "synthetic"
price_in_usd_per_mtok = 0.03
price_out_usd_per_mtok = 0.06
context_tokens = 2048
options = {tokens = 7}
[experts.law.limits]
bulk_threads = 3
[experts.law.sampling]
max_tokens = 9
stop = ["\\n"]
"""
MANIFEST = Manifest(kind="random", experts=("a", "b"), config=TrainConfig(router="random", seed=7))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def written(scratch: Path, content: bytes, name: str = "file") -> Path:
    path = Path(tempfile.mkdtemp(dir=scratch)) / name
    path.write_bytes(content)
    return path


@contextmanager
def refused(kind: type[TorouterError], path: Path) -> Iterator[None]:
    """The body may be refused with this error alone, and it names the file."""
    try:
        yield
    except kind as error:
        if str(path) not in str(error):
            raise


@given(cut(SHIPPED.read_bytes()) | cut(ENTRY.encode()) | st.binary(max_size=50))
def test_a_catalogue_is_read_or_refused(scratch: Path, content: bytes):
    path = written(scratch, content)

    with refused(ConfigError, path):
        assert catalogue.load(path)


FIELDS = [
    "engine",
    "model",
    "adapter",
    "location",
    "price_in_usd_per_mtok",
    "context_tokens",
    "options",
    "limits",
    "sampling",
    "name",
    "sampling.stop",
    "options.seed",
    "limits.bulk_places",
]
VALUES = st.sampled_from(
    [
        "{}",
        "[]",
        "[[]]",
        "nan",
        "inf",
        "-1",
        "1e400",
        "1979-05-27",
        "07:32:00",
        "true",
        '"vllm"',
        '"openai"',
        '""',
        '"/"',
        '"~nobody/x"',
        '"~"',
        '"wheel:a.b"',
        '"hub:"',
        '"\\u0000"',
        str(10**30),
    ]
)


@given(
    st.lists(
        st.tuples(st.sampled_from(FIELDS), VALUES | TEXT.map(lambda text: json.dumps(text, ensure_ascii=False))),
        max_size=3,
    ),
    st.sampled_from(["law", '""', '"a b"', "auto", '"\\u0000"', "x.y"]),
)
def test_an_expert_is_read_or_refused(scratch: Path, fields: list[tuple[str, str]], name: str):
    entry = ENTRY.replace("law", name).split("\n")
    changed = {field.partition(".")[0] for field, _ in fields}
    kept = [line for line in entry[:7] if line.partition(" ")[0] not in changed]
    text = "\n".join([*kept, *(f"{field} = {value}" for field, value in fields)])

    path = written(scratch, text.encode(errors="surrogatepass"))

    with suppress(ConfigError):
        catalogue.load(path)


@given(lines(PROMPT) | lines({"prompt": "Hi"}))
def test_a_file_of_prompts_is_read_or_refused(scratch: Path, content: bytes):
    path = written(scratch, content)

    with refused(InvalidInputError, path):
        for line in prompt_files.read(path):
            json.dumps(line.body(), ensure_ascii=False).encode()


@given(lines(OUTCOME))
def test_a_file_of_outcomes_is_read_or_refused_and_written_as_it_was(scratch: Path, content: bytes):
    path = written(scratch, content)

    with refused(InvalidInputError, path):
        rows = outcomes.read_outcomes([path])
        again = path.with_name("again")
        outcomes.write_outcomes(again, rows)
        assert outcomes.fingerprint(outcomes.read_outcomes([again])) == outcomes.fingerprint(rows)
        experts = outcomes.experts_of(rows)
        for column in ("bertsim", "score", "cost", *outcomes.columns_of(rows)):
            with suppress(InvalidInputError):
                outcomes.quality_matrix(rows, experts, column)


@given(lines(MANIFEST.model_dump(mode="json")))
def test_a_manifest_is_read_or_refused(scratch: Path, content: bytes):
    path = written(scratch, content, checkpoints.MANIFEST)

    with refused(CheckpointError, path):
        checkpoints.read_manifest(path.parent)


@given(nearly(MANIFEST.model_dump(mode="json")))
def test_a_checkpoint_with_any_manifest_predicts_or_is_refused(scratch: Path, manifest: object):
    path = written(scratch, json.dumps(manifest).encode(), checkpoints.MANIFEST)
    try:
        router = checkpoints.load(path.parent)
    except CheckpointError:
        return
    router.predict(["one", "two"])
