"""What `torouter submit` makes of a source: every format, folders, gzip, and what can't be taken."""

import gzip
import io
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from api.bulk import records, sources
from api.bulk.converting import Progress, convert
from api.bulk.options import Columns, Options
from core.errors import ConfigError, InvalidInputError

#: Makes a source with a name and a content.
Make = Callable[[str, str | bytes], Path]

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOROUTER_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def file(tmp_path: Path) -> Make:
    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def converted(path: Path, **options: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in raw(path, **options).removesuffix(b"\n").split(b"\n")]


def raw(path: Path, **options: Any) -> bytes:
    asked = Options(**options)
    submission = records.create("http://server", str(path), asked, None)
    convert(submission, sources.find(path, asked.format), lambda _: None)
    return submission.lines.read_bytes()


def chat(text: str, model: str = "auto", **parameters: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **parameters}


def prompts(lines: list[dict[str, Any]]) -> list[str]:
    return [line["body"]["messages"][0]["content"] for line in lines]


def test_a_prompt_becomes_a_request_that_the_router_answers(file: Make):
    path = file(
        "a.jsonl", '{"prompt": "one", "reference": "1", "dataset": "d", "id": "x", "other": 1}\n{"prompt": "two"}'
    )

    assert converted(path) == [
        {"custom_id": "x", "method": "POST", "url": CHAT, "body": chat("one"), "reference": "1", "dataset": "d"},
        {"custom_id": "line-2", "method": "POST", "url": CHAT, "body": chat("two")},
    ]


def test_openais_requests_pass_as_they_are(file: Make):
    body = {"model": "math", "messages": [{"role": "user", "content": "a"}], "stop": ["b"], "seed": 2**60, "top_p": 0.1}
    request = {"custom_id": "x", "method": "POST", "url": CHAT, "body": body, "reference": "c", "dataset": "d"}
    path = file("a.jsonl", json.dumps(request | {"mine": "not sent"}))

    assert converted(path) == [request]


def test_requests_and_prompts_may_be_mixed_and_blank_lines_count(file: Make):
    request = {"url": CHAT, "body": chat("one", "math")}
    path = file("a.jsonl", f'{json.dumps(request)}\n\n{{"prompt": "two"}}\n')

    lines = converted(path)

    assert [(line["custom_id"], line["method"]) for line in lines] == [("line-1", "POST"), ("line-3", "POST")]
    assert [line["body"]["model"] for line in lines] == ["math", "auto"]


def test_options_say_who_answers_and_how_long_where_a_line_says_nothing(file: Make):
    request = {"body": chat("one", "gpt-4o", max_tokens=7)}
    path = file("a.jsonl", f'{json.dumps(request)}\n{{"prompt": "two"}}')

    lines = converted(path, expert="math", max_tokens=50, temperature=0.5)

    assert [line["body"] for line in lines] == [
        chat("one", "math", max_tokens=7, temperature=0.5),
        chat("two", "math", max_tokens=50, temperature=0.5),
    ]


def test_a_limit_by_its_newer_name_counts_as_said(file: Make):
    body = chat("one", max_completion_tokens=7)

    assert converted(file("a.jsonl", json.dumps({"body": body})), max_tokens=50)[0]["body"] == body


def test_where_all_experts_answer_no_line_names_one(file: Make):
    path = file("a.jsonl", json.dumps({"body": chat("one", "gpt-4o")}))

    assert converted(path, all_experts=True)[0]["body"]["model"] == "auto"


def test_prompts_can_be_continued_instead_of_answered(file: Make):
    (line,) = converted(file("a.jsonl", '{"prompt": "Once upon"}'), endpoint=COMPLETIONS)

    assert (line["url"], line["body"]) == (COMPLETIONS, {"model": "auto", "prompt": "Once upon"})


def test_the_first_request_says_the_endpoint_of_all(file: Make):
    request = {"url": COMPLETIONS, "body": {"model": "auto", "prompt": "a"}}

    lines = converted(file("a.jsonl", f'{json.dumps(request)}\n{{"prompt": "b"}}'))

    assert [line["url"] for line in lines] == [COMPLETIONS, COMPLETIONS]
    assert lines[1]["body"]["prompt"] == "b"


def test_requests_of_two_endpoints_are_no_batch(file: Make):
    requests = [{"url": CHAT, "body": chat("a")}, {"url": COMPLETIONS, "body": {"model": "auto", "prompt": "b"}}]

    with pytest.raises(InvalidInputError, match=r"a.jsonl:2: its url is '/v1/completions'.*submit.*by themselves"):
        converted(file("a.jsonl", "\n".join(map(json.dumps, requests))))


def test_lines_end_at_a_newline_only(file: Make):
    text = "one\u2028two\u0085three\rfour"
    path = file("a.jsonl", json.dumps({"prompt": text}, ensure_ascii=False) + "\r\n")

    assert prompts(converted(path)) == [text]
    assert raw(path).count(b"\n") == 1


def test_a_byte_order_mark_is_taken(file: Make):
    assert prompts(converted(file("a.jsonl", '\ufeff{"prompt": "a"}'))) == ["a"]
    assert prompts(converted(file("a.csv", "\ufeffprompt\na\n"))) == ["a"]


def test_keys_of_json_lines_can_be_named(file: Make):
    path = file(
        "a.jsonl", '{"question": "a", "answer": 42, "key": 7}\n{"question": [{"role": "user", "content": "b"}]}'
    )

    lines = converted(path, columns=Columns(prompt="question", reference="answer", id="key"))

    assert prompts(lines) == ["a", "b"]
    assert [line.get("reference") for line in lines] == ["42", None]
    assert [line["custom_id"] for line in lines] == ["7", "line-2"]


def test_csv_has_columns_by_name_and_cells_of_any_form(file: Make):
    text = 'id,question,answer,set\nx,"a, ""b""\nand c",1,s\n\n,d,,\n'
    columns = Columns(prompt="question", reference="answer", dataset="set")

    lines = converted(file("a.csv", text), columns=columns)

    assert prompts(lines) == ['a, "b"\nand c', "d"]
    assert [line["custom_id"] for line in lines] == ["x", "line-2"]
    assert [(line.get("reference"), line.get("dataset")) for line in lines] == [("1", "s"), (None, None)]


def test_a_cell_of_csv_may_be_large(file: Make):
    text = "word " * 400_000

    assert prompts(converted(file("a.csv", f'prompt\n"{text}"\n'))) == [text]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", r"a.csv: has no column 'prompt': name yours by --column: a, b"),
        ("prompt,b\n1,2\n1,2,3\n", r"a.csv:3: has 3 cells, and the header 2: .*double quotes"),
        ('prompt\n"a\nb', r"a.csv:3: is no CSV: unexpected end of data; check its quotes"),
        ("prompt\n\xe9".encode("latin-1"), "a.csv: is not UTF-8"),
        ('prompt,b\n"",c\n', "a.csv:2: has an empty prompt: .*--on-invalid skip"),
    ],
)
def test_csv_that_cant_be_taken_is_refused_with_its_place_and_a_cure(file: Make, text: str | bytes, says: str):
    with pytest.raises(InvalidInputError, match=says):
        converted(file("a.csv", text))


def test_a_column_that_was_named_must_be_there(file: Make):
    with pytest.raises(InvalidInputError, match="has no column 'answer': name one by --reference-column: prompt, b"):
        converted(file("a.csv", "prompt,b\n1,2\n"), columns=Columns(reference="answer"))


def table(**columns: list[Any]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file, row_group_size=100)
    return file.getvalue()


def test_parquet_has_columns_by_name(file: Make):
    rows = table(question=[f"q{i}" for i in range(700)], answer=list(range(700)), other=[None] * 700)

    lines = converted(file("a.parquet", rows), columns=Columns(prompt="question", reference="answer"))

    assert prompts(lines) == [f"q{i}" for i in range(700)]
    assert (lines[699]["custom_id"], lines[699]["reference"]) == ("line-700", "699")


def test_parquet_may_hold_chats_whose_messages_lack_some_keys(file: Make):
    chats = [[{"role": "system", "content": "a", "name": None}, {"role": "user", "content": "b", "name": None}]]

    (line,) = converted(file("a.parquet", table(messages=chats)))

    assert line["body"]["messages"] == [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]


def test_a_row_of_parquet_without_a_prompt_is_named(file: Make):
    with pytest.raises(InvalidInputError, match=r"a.parquet: row 2: has no 'prompt'"):
        converted(file("a.parquet", table(prompt=["a", None])))


def test_what_is_no_parquet_is_refused(file: Make):
    with pytest.raises(InvalidInputError, match=r"a.parquet: can't be read as Parquet"):
        converted(file("a.parquet", b"PAR1 and no more"))


def test_parquet_without_its_extra_says_how_to_install_it(file: Make, monkeypatch: pytest.MonkeyPatch):
    path = file("a.parquet", table(prompt=["a"]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ConfigError, match=r"pip install 'torouter\[parquet\]'"):
        converted(path)


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl", "prompts"])
def test_gzip_is_recognised_by_its_content(file: Make, name: str):
    members = gzip.compress(b'{"prompt": "a"}\n') + gzip.compress(b'{"prompt": "b"}\n')

    assert prompts(converted(file(name, members))) == ["a", "b"]


def test_tables_may_be_in_gzip_too(file: Make):
    assert prompts(converted(file("a.csv.gz", gzip.compress(b"prompt\na\n")))) == ["a"]
    assert prompts(converted(file("a.parquet.gz", gzip.compress(table(prompt=["b"]))))) == ["b"]


def test_gzip_that_was_cut_is_refused(file: Make):
    whole = gzip.compress(os.urandom(1000).hex().encode())

    with pytest.raises(InvalidInputError, match=r"a.jsonl.gz: can't be read"):
        converted(file("a.jsonl.gz", whole[: len(whole) // 2]))


def test_a_folder_is_read_in_the_order_of_names_with_ids_by_shard(file: Make):
    file("b.csv.gz", gzip.compress(b"prompt\nthree\n"))
    file("a.ndjson", '{"prompt": "one"}\n{"prompt": "two", "id": "x"}\n')
    file("notes.txt", "not a prompt")
    file(".hidden.jsonl", "not a prompt")
    path = file("c.parquet", table(prompt=["four"]))

    lines = converted(path.parent)

    assert prompts(lines) == ["one", "two", "three", "four"]
    assert [line["custom_id"] for line in lines] == ["a:1", "x", "b:1", "c:1"]


def test_shards_that_differ_in_their_suffix_only_have_ids_that_differ(file: Make):
    file("a.csv", "prompt\none\n")
    path = file("a.jsonl", '{"prompt": "two"}\n')

    assert [line["custom_id"] for line in converted(path.parent)] == ["a.csv:1", "a.jsonl:1"]


def test_a_folder_without_prompts_says_what_it_looked_for(file: Make):
    with pytest.raises(InvalidInputError, match=r"has no file of prompts: .*\.jsonl, .*\.parquet, or with \.gz"):
        converted(file("a.txt", "x").parent)


def test_an_error_in_a_shard_names_it(file: Make):
    file("a.jsonl", '{"prompt": "one"}\n')
    path = file("b.jsonl", '{"prompt": "two"}\n{"prompt": }\n')

    with pytest.raises(InvalidInputError, match=r"in/b.jsonl:2: is no JSON object: .*; a line looks like"):
        converted(path.parent)


def test_a_source_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInputError, match=r"nothing.jsonl: can't be read: No such file"):
        converted(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_a_source_without_a_line_is_refused(file: Make, content: str):
    with pytest.raises(InvalidInputError, match=r"a.jsonl: has no prompts"):
        converted(file("a.jsonl", content))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[]", "is a JSON array: write its objects a line each, e.g. by `jq"),
        ('"a"', "is JSON, but no object"),
        ('{"prompt": NaN}', "is no JSON object"),
        ('{"prompt": "\\ud800"}', "is no JSON object: unexpected end of hex escape at column 19"),
        ('{"prompt": "a\\u0000"}', "prompt: .*NUL character"),
        ('{"prompt": ""}', "has an empty prompt"),
        ('{"messages": []}', "messages: "),
        ('{"prompt": "a", "messages": []}', "messages"),
        ('{"text": "a", "id": "b"}', "has no 'prompt' .* but text, id: name the key of your prompts by --column"),
        ('{"messages": [{"role": "tool", "content": "a"}]}', "messages.0.role"),
        ("[" * 100_000, "is no JSON object"),
    ],
)
def test_a_line_that_cant_be_taken_is_refused_with_its_place(file: Make, line: str, says: str):
    with pytest.raises(InvalidInputError, match=f"a.jsonl:2: .*{says}"):
        converted(file("a.jsonl", f'{{"prompt": "fine"}}\n{line}\n'))


def test_messages_cant_be_continued(file: Make):
    path = file("a.jsonl", '{"messages": [{"role": "user", "content": "a"}]}')

    with pytest.raises(InvalidInputError, match=r"a.jsonl:1: has messages, .*takes a text: use --endpoint /v1/chat"):
        converted(path, endpoint=COMPLETIONS)


def test_a_line_of_any_length_does_not_fill_the_memory(file: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("api.bulk.rows.LONGEST_LINE", 100)

    with pytest.raises(InvalidInputError, match=r"a.jsonl:1: is longer than 100 bytes"):
        converted(file("a.jsonl", f'{{"prompt": "{"a" * 200}"}}'))
    with pytest.raises(InvalidInputError, match=r"a.csv: has a line longer than 100 characters"):
        converted(file("a.csv", f"prompt\n{'a' * 200}"))


def test_lines_that_cant_be_taken_are_counted_where_they_are_to_be_left_out(file: Make):
    path = file("a.jsonl", '{"prompt": "a"}\n{"prompt": ""}\nno\n{"prompt": "b"}')
    options = Options(on_invalid="skip")
    submission = records.create("http://server", str(path), options, None)

    made = convert(submission, sources.find(path), lambda _: None)

    assert (made.lines, made.left_out) == (2, 2)
    assert "a.jsonl:2: has an empty prompt" in made.first
    kept = submission.lines.read_text().splitlines()
    assert [json.loads(line)["custom_id"] for line in kept] == ["line-1", "line-4"]


def test_progress_is_told_by_the_bytes_that_were_read(file: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("api.bulk.converting.LOOK_LINES", 1)
    line = json.dumps({"prompt": "a" * 20_000}) + "\n"
    for name in ("a.jsonl", "b.jsonl.gz"):
        content = "".join(line for _ in range(20)).encode()
        path = file(name, gzip.compress(content, compresslevel=0) if name.endswith("gz") else content)
    shares: list[float | None] = []

    def show(seen: Progress) -> None:
        shares.append(seen.share)

    source = sources.find(path.parent)
    convert(records.create("http://server", str(path), Options(), None), source, show)

    assert shares == sorted(shares)
    assert 0.4 < shares[19] < 0.6
    assert shares[-1] == 1


def test_a_pipe_is_read_once(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(gzip.compress(b'{"prompt": "a"}\n'),))
    writer.start()

    assert sources.find(pipe).is_stream
    assert prompts(converted(pipe)) == ["a"]
    writer.join()


def test_standard_input_is_read_and_stays_open(monkeypatch: pytest.MonkeyPatch):
    given = io.TextIOWrapper(io.BytesIO(b"question\na\n"))
    monkeypatch.setattr("sys.stdin", given)

    lines = converted(Path("-"), format="csv", columns=Columns(prompt="question"))

    assert (prompts(lines), lines[0]["custom_id"]) == (["a"], "line-1")
    assert not given.buffer.closed


def test_parquet_can_be_piped(monkeypatch: pytest.MonkeyPatch, state: Path):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(table(prompt=["a"]))))

    assert prompts(converted(Path("-"), format="parquet")) == ["a"]
    assert {path.name for path in state.rglob("*") if path.is_file()} == {"record.json", "lines.jsonl"}


def test_a_full_disk_is_told_with_where_it_is_and_a_cure(file: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("api.bulk.records.Submission.lines", Path("/dev/full"))

    with pytest.raises(InvalidInputError, match=r"submissions/.*No space left.*set TOROUTER_STATE to a folder"):
        converted(file("a.jsonl", '{"prompt": "a"}'))
