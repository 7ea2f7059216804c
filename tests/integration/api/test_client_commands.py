"""`torouter status`, `results` and `cancel`, against a real server."""

import io
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from pyarrow import parquet
from rich.console import Console

from api.cli import clients, submitting
from api.client import Client
from core.errors import ConfigError, InvalidInputError
from tests.integration.api.played import PlayedWorkers
from workers.lines import Using

#: What submits lines and gives the batch's id.
Submit = Callable[..., str]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: Using) -> None:
    monkeypatch.setenv("TOROUTER_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("api.bulk.watching.LOOK_S", 0.02)


@pytest.fixture
def submit(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Submit:
    def do(*lines: dict[str, Any], **options: Any) -> str:
        file = tmp_path / "prompts.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        submitting.submit(file, url=url, **options)
        return capsys.readouterr().out.strip()

    return do


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What somebody would see who looks at it."""
    seen = io.StringIO()
    console = Console(file=seen, force_terminal=True, width=150, color_system=None)
    monkeypatch.setattr(clients, "screen", console)
    monkeypatch.setattr(clients, "err", console)
    return seen


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().removesuffix("\n").split("\n")]


ONE = {"prompt": "a", "id": "one", "reference": "b", "dataset": "d"}


def test_status_is_json_where_nobody_looks(url: str, submit: Submit, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = submit(ONE, wait=True), submit(ONE, wait=True, expert="math")

    clients.status(second, url=url)
    one = json.loads(capsys.readouterr().out)
    clients.status(None, url=url)
    several = json.loads(capsys.readouterr().out)

    assert (one["id"], one["status"], list(one["by_expert"])) == (second, "completed", ["math"])
    assert [batch["id"] for batch in several] == [second, first]


def test_status_is_a_table_where_somebody_does(
    url: str, submit: Submit, terminal: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = submit(ONE, wait=True, metadata=["run=7"])
    terminal.truncate(0)

    clients.status(batch, url=url)
    clients.status(None, url=url)
    clients.status(batch, as_json=True, url=url)

    page = terminal.getvalue()
    assert "completed: 1/1 prompts, 5 tokens, US$ 0.0" in page
    assert [line.split()[:4] for line in page.splitlines() if line.startswith("general")] == [
        ["general", "1", "0", "10"]
    ]
    assert "run" in page
    assert "output file" in page
    assert page.count(batch) == 2
    assert json.loads(capsys.readouterr().out)["id"] == batch


def test_progress_is_drawn_where_somebody_looks(submit: Submit, workers: PlayedWorkers, terminal: io.StringIO) -> None:
    workers.hold()
    threading.Timer(0.5, workers.release).start()

    submit(ONE, {"prompt": "c"}, wait=True)

    seen = terminal.getvalue()
    assert "0/2 prompts, 0 tokens" in seen
    assert "completed: 2/2 prompts, 10 tokens" in seen
    assert "tokens/s" in seen


def test_results_go_to_standard_output_or_into_a_file(
    url: str, submit: Submit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = submit({"prompt": "snow \u2028 man"}, {"prompt": "b"}, wait=True)
    out = tmp_path / "answers.jsonl"

    clients.results(batch, url=url)
    printed = capsys.readouterr().out
    clients.results(batch, out=out, url=url)

    assert out.read_text() == printed
    assert [answer["answer"] for answer in lines_of(out)] == ["general: snow \u2028 man", "general: b"]
    assert f"2 results in {out}" in capsys.readouterr().err


def test_errors_go_into_a_file_of_their_own(url: str, submit: Submit, tmp_path: Path) -> None:
    wrong = {"body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "a"}]}, "custom_id": "wrong"}
    batch = submit(ONE, wrong, on_invalid="skip", wait=True)
    out, errors = tmp_path / "answers.jsonl", tmp_path / "errors.jsonl"

    clients.results(batch, out=out, errors=errors, url=url)

    assert [line["custom_id"] for line in lines_of(out)] == ["one"]
    [error] = lines_of(errors)
    assert error["custom_id"] == "wrong"
    assert "gpt-4o" in error["error"]["message"]


def test_parquet_has_flat_columns_whose_types_never_change(
    url: str, submit: Submit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.bulk.answers.GROUP_ROWS", 2)
    full, bare = submit(ONE, *({"prompt": str(i)} for i in range(4)), wait=True), submit({"prompt": "c"}, wait=True)

    for batch in (full, bare):
        clients.results(batch, out=tmp_path / f"{batch}.parquet", url=url)

    table = parquet.ParquetFile(tmp_path / f"{full}.parquet")
    assert table.num_row_groups == 3
    first, second, *_ = table.read().to_pylist()
    assert first == first | {
        "custom_id": "one",
        "state": "done",
        "expert": "general",
        "answer": "general: a",
        "input_tokens": 10,
        "output_tokens": 5,
        "bertsim": 0.75,
        "error_code": None,
        "dataset": "d",
    }
    assert first["cost_usd"] > 0
    assert (second["custom_id"], second["bertsim"], second["dataset"]) == ("line-2", None, None)
    assert table.schema_arrow == parquet.read_schema(tmp_path / f"{bare}.parquet")


def test_parquet_has_a_row_for_each_expert_that_answered(url: str, submit: Submit, tmp_path: Path) -> None:
    batch = submit(ONE, all_experts=True, wait=True)

    clients.results(batch, out=tmp_path / "answers.parquet", url=url)

    found = parquet.read_table(tmp_path / "answers.parquet").to_pylist()
    assert sorted((row["custom_id"], row["expert"], row["answer"]) for row in found) == [
        ("one", "general", "general: a"),
        ("one", "math", "math: a"),
    ]


def test_parquet_of_failed_and_of_waiting_prompts_says_so(
    url: str, submit: Submit, tmp_path: Path, workers: PlayedWorkers
) -> None:
    out = tmp_path / "answers.parquet"
    workers.failure = ("prompt_rejected", "no")
    failed = submit(ONE, wait=True)
    clients.results(failed, out=out, url=url)
    [row] = parquet.read_table(out).to_pylist()
    assert (row["state"], row["error_code"], row["error_message"], row["answer"]) == (
        "failed",
        "prompt_rejected",
        "no",
        None,
    )

    workers.hold()
    waiting = submit(ONE)
    with Client(url) as client:
        while client.batch(waiting)["stored_lines"] == 0:
            time.sleep(0.02)
    clients.results(waiting, out=out, url=url)

    [row] = parquet.read_table(out).to_pylist()
    assert (row["state"], row["expert"], row["input_tokens"]) == ("pending", None, None)


def test_results_that_break_off_leave_the_file_that_was_there(
    url: str, submit: Submit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = submit(ONE, wait=True)
    for out in (tmp_path / "answers.jsonl", tmp_path / "answers.parquet"):
        out.write_text("before")
        monkeypatch.setattr(Client, "results", lambda *_: iter(['{"state": "done"']))

        with pytest.raises(ValueError, match="delimiter"):
            clients.results(batch, out=out, errors=tmp_path / "errors.jsonl", url=url)

        assert out.read_text() == "before"
        assert sorted(path.name for path in tmp_path.glob("*.part")) == []


def test_a_file_that_cant_be_written_is_refused_before_the_answers_are_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"nowhere/answers.jsonl: can't be written"):
        clients.results("batch_1", out=tmp_path / "nowhere" / "answers.jsonl", url="http://127.0.0.1:1")


def test_parquet_without_its_extra_says_how_to_install_it(
    url: str, submit: Submit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = submit(ONE)
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ConfigError, match=r"pip install 'torouter\[parquet\]'"):
        clients.results(batch, out=tmp_path / "answers.parquet", url=url)

    assert list(tmp_path.glob("answers*")) == []


def test_cancelling_waits_for_the_end_and_again_is_the_same(
    url: str, submit: Submit, workers: PlayedWorkers, capsys: pytest.CaptureFixture[str]
) -> None:
    workers.hold()
    batch = submit(ONE)

    for _ in range(2):
        clients.cancel(batch, wait=True, url=url)

        assert f"{batch} is cancelled: `torouter results {batch}` has what was answered" in capsys.readouterr().err


def test_there_is_nothing_to_cancel_of_what_has_ended(
    url: str, submit: Submit, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = submit(ONE, wait=True)

    clients.cancel(batch, url=url)

    assert f"{batch} has ended as completed: there is nothing to cancel" in capsys.readouterr().err


def test_a_batch_that_expires_says_what_to_do(
    submit: Submit, workers: PlayedWorkers, capsys: pytest.CaptureFixture[str]
) -> None:
    workers.hold()

    with pytest.raises(typer.Exit) as end:
        submit(ONE, completion_window="1s", wait=True)

    assert end.value.exit_code == 1
    assert "is expired: its window has ended: `torouter results batch_" in capsys.readouterr().err


def test_an_unknown_batch_is_told_in_the_servers_words(url: str) -> None:
    for command in (clients.status, clients.results, clients.cancel):
        with pytest.raises(InvalidInputError, match=r"there is no batch 'batch_0'.*\(HTTP 404\)"):
            command("batch_0", url=url)
