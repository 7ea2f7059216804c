"""Files that `torouter submit` reads: every row becomes a line, or the file is refused by name."""

import gzip
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from api.bulk import sources
from api.bulk.lines import Lines
from api.bulk.options import Columns, Format, Options
from api.bulk.rows import Reader
from core.errors import InvalidInputError
from tests.fuzz.strangers import JSON, TEXT, cut, lines, nearly

PROMPT = {"id": 7, "prompt": "What is 2 + 2?", "reference": "4", "dataset": "sums"}
REQUEST = {
    "custom_id": "1",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 3},
}
CSV = b'id,prompt,reference,dataset\n1,"What is\n""2"" + 2?",4,sums\n2,Hi,,\n'

OPTIONS = (
    Options(),
    Options(expert="math", max_tokens=9),
    Options(columns=Columns(prompt="id")),
    Options(endpoint="/v1/completions"),
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sources")


def table(rows: list[dict[str, object]]) -> bytes:
    target = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), target)
    return target.getvalue()


TABLE = table([{"prompt": "Hi", "reference": "Ho"}] * 3)


@given(st.lists(lines(PROMPT) | lines(REQUEST), max_size=3).map(b"\n".join), st.sampled_from(OPTIONS))
def test_json_lines(scratch: Path, content: bytes, options: Options):
    take_or_refuse(scratch, content, Format.JSON_LINES, options)


@given(cut(CSV) | TEXT.map(lambda text: f"prompt,{text}\n".encode(errors="surrogatepass")), st.sampled_from(OPTIONS))
def test_csv(scratch: Path, content: bytes, options: Options):
    take_or_refuse(scratch, content, Format.CSV, options)


@given(cut(TABLE), st.sampled_from(OPTIONS))
def test_parquet(scratch: Path, content: bytes, options: Options):
    take_or_refuse(scratch, content, Format.PARQUET, options)


@given(
    st.sampled_from([(CSV, Format.CSV), (TABLE, Format.PARQUET), (b'{"prompt": "Hi"}', Format.JSON_LINES)]), st.data()
)
def test_gzip(scratch: Path, right: tuple[bytes, Format], data: st.DataObject):
    content = data.draw(cut(gzip.compress(right[0], mtime=0)))

    take_or_refuse(scratch, content, right[1], Options())


@given(nearly(PROMPT) | JSON)
def test_a_prompt_that_is_taken_is_sent_as_it_stands(scratch: Path, row: object):
    try:
        [line] = taken(scratch, json.dumps(row).encode(), Format.JSON_LINES, Options())
    except (InvalidInputError, ValueError):  # the latter: nothing was in it
        return

    if "body" not in line or not isinstance(row, dict) or "body" in row:
        return
    asked = row.get("prompt")
    if isinstance(asked, str):
        assert line["body"]["messages"] == [{"role": "user", "content": asked}]


def take_or_refuse(scratch: Path, content: bytes, kind: Format, options: Options) -> None:
    with suppress(InvalidInputError):
        taken(scratch, content, kind, options)


def taken(scratch: Path, content: bytes, kind: Format, options: Options) -> list[dict[str, object]]:
    """What would be sent, a JSON object for each line."""
    with tempfile.NamedTemporaryFile(dir=scratch) as file:
        file.write(content)
        file.flush()
        return list(_converted(Path(file.name), kind, options, scratch))


def _converted(path: Path, kind: Format, options: Options, scratch: Path) -> Iterator[dict[str, object]]:
    writer = Lines(options)
    for shard, row in Reader(sources.find(path, kind), options.columns, scratch).rows():
        line = writer.line(row, row.prefixed(shard))
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        yield json.loads(line)
