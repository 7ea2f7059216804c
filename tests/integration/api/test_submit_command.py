"""`torouter submit` and `resume` against a real server: whatever interrupts them, one batch has every line once."""

import io
import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from sqlalchemy import select, update

from api.bulk import records
from api.bulk.options import Options
from api.cli import submitting
from api.http.admission import Admission
from core.errors import ConflictError, InvalidInputError, NotFoundError, NotReadyError, OverloadedError
from core.settings import Settings
from core.store import Store
from core.tables import BATCH, FILE, LOCAL, UPLOAD
from tests.integration.api.played import PlayedWorkers
from tests.system import TOROUTER
from workers.lines import Using

LINES = 20

#: Seconds that a test waits for what comes at once.
END_S = 60


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_file_bytes": 10**9, "max_lines": 1000})


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: Using) -> Path:
    """A place for submissions; small parts, and hardly a pause."""
    monkeypatch.setenv("TOROUTER_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("api.bulk.sending.PART_BYTES", 1000)
    monkeypatch.setattr("api.bulk.patience.FIRST_S", 0.01)
    monkeypatch.setattr("api.bulk.watching.LOOK_S", 0.02)
    return tmp_path / "state"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"question {i}", "id": f"q{i}"}) + "\n" for i in range(LINES)))
    return path


def rows(store: Store, *columns: Any) -> list[Any]:
    with store._database.read() as connection:
        return list(connection.execute(select(*columns)).fetchall())


def answered(store: Store, batch: str) -> Counter[str | None]:
    """How often each line is there, once the batch has ended."""
    deadline = time.monotonic() + END_S
    while not (view := store.batches.get(batch, LOCAL)).ended:
        assert time.monotonic() < deadline, view
        time.sleep(0.02)
    return Counter(one.custom_id for page in store.prompts.of_batch(batch, LOCAL) for one in page)


ALL = Counter(f"q{i}" for i in range(LINES))


class KilledError(BaseException):
    """What no code handles, as it can't handle kill -9."""


class Tool:
    """The commands on a file, over a network on which one request of a run is lost."""

    def __init__(self, url: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.url = url
        self.file = file
        self.requests = 0
        self.told = ""
        self._capsys = capsys
        self._fails_at: tuple[int, BaseException | None, bool] = (0, None, False)

    def submit(self, file: Path | None = None, **options: Any) -> str:
        """What it prints."""
        self.requests = 0
        submitting.submit(file or self.file, url=self.url, **options)
        return self.printed()

    def resume(self, which: str | None = None, **options: Any) -> str:
        self.requests = 0
        submitting.resume(which, **options)
        return self.printed()

    def printed(self) -> str:
        out, self.told = self._capsys.readouterr()
        return out.strip()

    def fails(self, number: int, error: BaseException | None, *, late: bool = False) -> None:
        """Raise at this request of a run, the first being 1; `late`: when the server has done it."""
        self._fails_at = (number, error, late)

    def works(self) -> None:
        self.fails(0, None)

    def handle(self, real: Callable[[], httpx.Response]) -> httpx.Response:
        self.requests += 1
        number, error, late = self._fails_at
        is_faulty = self.requests == number and error is not None
        if is_faulty and not late:
            raise error
        response = real()
        if is_faulty:
            response.read()
            raise error
        return response


@pytest.fixture
def tool(url: str, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tool:
    tool = Tool(url, file, capsys)
    real = httpx.HTTPTransport.handle_request
    monkeypatch.setattr(
        httpx.HTTPTransport, "handle_request", lambda here, request: tool.handle(lambda: real(here, request))
    )
    return tool


def test_the_id_is_all_that_is_printed_and_every_line_is_answered(tool: Tool, api_store: Store, state: Path) -> None:
    batch = tool.submit()

    assert answered(api_store, batch) == ALL
    assert [path.name for path in state.rglob("*.jsonl")] == []
    assert records.unfinished() == []


#: GET models, POST upload, three parts, complete, batch.
REQUESTS = 7


@pytest.mark.parametrize("late", [False, True], ids=["request", "answer"])
@pytest.mark.parametrize("number", range(2, REQUESTS + 1))
def test_killed_at_any_request_the_same_command_goes_on_and_submits_once(
    tool: Tool, api_store: Store, number: int, *, late: bool
) -> None:
    tool.fails(number, KilledError(), late=late)
    with pytest.raises(KilledError):
        tool.submit()

    tool.works()
    batch = tool.submit()

    assert tool.requests == REQUESTS - (number - 2)  # what was answered isn't asked again
    assert answered(api_store, batch) == ALL
    assert len(rows(api_store, BATCH.c.id)) == 1
    assert len(rows(api_store, UPLOAD.c.id)) == 1
    assert sum(purpose == "batch" for (purpose,) in rows(api_store, FILE.c.purpose)) == 1
    assert records.unfinished() == []


@pytest.mark.parametrize("number", range(2, REQUESTS + 1))
def test_a_lost_connection_is_tried_again_without_anybody(tool: Tool, api_store: Store, number: int) -> None:
    tool.fails(number, httpx.ReadError("connection reset"), late=True)

    batch = tool.submit()

    assert "connection reset; again in 0.01 s" in tool.told
    assert answered(api_store, batch) == ALL
    assert len(rows(api_store, BATCH.c.id)) == 1


def test_a_server_that_stays_away_is_given_up_and_resume_goes_on(
    tool: Tool, api_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.bulk.patience.UNREACHABLE_S", 0)
    tool.fails(4, httpx.ConnectError("refused"))

    with pytest.raises(
        NotReadyError, match=r"nothing answers at .*; nothing is lost: `torouter resume [0-9a-f]+` goes"
    ):
        tool.submit()
    tool.works()

    assert answered(api_store, tool.resume()) == ALL


def test_a_server_that_is_not_there_is_told_at_once_and_nothing_is_kept(file: Path) -> None:
    with pytest.raises(NotReadyError, match=r"nothing answers at http://127.0.0.1:1: start it with `torouter up`"):
        submitting.submit(file, url="http://127.0.0.1:1")

    assert records.every() == []


def test_ctrl_c_says_how_to_go_on(tool: Tool, api_store: Store) -> None:
    tool.fails(4, KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        tool.submit()

    tool.printed()
    [left] = records.unfinished()
    assert f"nothing is lost: `torouter resume {left.record.key}` goes on" in tool.told
    tool.works()
    assert answered(api_store, tool.resume(left.record.key)) == ALL


def test_a_full_server_is_come_back_to_when_it_says(
    tool: Tool, api_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [True, True]

    def check(_: Admission, *_work_class: object) -> None:
        if full and full.pop():
            raise OverloadedError("queues are full", retry_after_s=1)

    monkeypatch.setattr(Admission, "check", check)

    batch = tool.submit()

    assert tool.told.count("queues are full (HTTP 429); again in 1 s") == 2
    assert answered(api_store, batch) == ALL


def test_an_upload_that_has_expired_is_begun_anew(tool: Tool, api_store: Store) -> None:
    tool.fails(5, KilledError())
    with pytest.raises(KilledError):
        tool.submit()
    with api_store._database.write() as connection:
        connection.execute(update(UPLOAD).values(expires_at=0))

    tool.works()

    assert answered(api_store, tool.submit()) == ALL
    assert len(rows(api_store, BATCH.c.id)) == 1


def test_a_file_that_is_gone_is_sent_anew(tool: Tool, api_store: Store) -> None:
    tool.fails(REQUESTS, KilledError())
    with pytest.raises(KilledError):
        tool.submit()
    [(name,)] = rows(api_store, FILE.c.public_id)
    api_store.files.delete(name, LOCAL)

    tool.works()

    assert answered(api_store, tool.submit()) == ALL


def test_what_was_submitted_is_submitted_anew(tool: Tool, api_store: Store) -> None:
    first, second = tool.submit(), tool.submit()

    assert first != second
    assert answered(api_store, first) == answered(api_store, second) == ALL


def test_a_file_that_has_changed_is_another_submission(tool: Tool) -> None:
    tool.fails(4, KilledError())
    with pytest.raises(KilledError):
        tool.submit()

    tool.works()
    tool.file.write_text('{"prompt": "another"}\n')
    tool.submit()

    assert tool.requests == REQUESTS - 2  # it has one part
    assert len(records.unfinished()) == 1


def test_other_options_are_another_submission(tool: Tool) -> None:
    tool.fails(4, KilledError())
    with pytest.raises(KilledError):
        tool.submit()

    tool.works()
    tool.submit(expert="math")

    assert tool.requests == REQUESTS
    assert len(records.unfinished()) == 1


def test_standard_input_goes_on_too(tool: Tool, api_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    content = tool.file.read_bytes()
    tool.fails(5, KilledError(), late=True)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    with pytest.raises(KilledError):
        tool.submit(Path("-"))

    tool.works()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    batch = tool.submit(Path("-"))

    assert answered(api_store, batch) == ALL
    assert len(rows(api_store, UPLOAD.c.id)) == 1
    assert records.unfinished() == []


def test_standard_input_that_was_not_read_to_its_end_has_to_come_again(tool: Tool) -> None:
    left = records.create(tool.url, "-", Options(), None)

    with pytest.raises(InvalidInputError, match="- was interrupted before all of it had been read: submit it again"):
        tool.resume(left.record.key)

    assert records.every() == []


def test_a_file_whose_conversion_was_killed_is_converted_again(tool: Tool, api_store: Store) -> None:
    left = records.create(tool.url, str(tool.file), Options(), None)
    left.lines.write_text("half a li")

    assert answered(api_store, tool.resume(str(tool.file))) == ALL


def test_resume_chooses_by_source_and_lists_several(tool: Tool) -> None:
    other = tool.file.with_name("other.jsonl")
    other.write_bytes(tool.file.read_bytes())
    tool.fails(3, KilledError())
    for path in (tool.file, other):
        with pytest.raises(KilledError):
            tool.submit(path)

    tool.works()
    with pytest.raises(InvalidInputError, match="several submissions were interrupted: name one by its key"):
        tool.resume()
    tool.printed()
    assert f"{other}  {LINES} lines" in tool.told
    tool.resume(str(other))
    tool.resume(str(tool.file), forget=True)

    assert records.unfinished() == []
    with pytest.raises(NotFoundError, match="nothing was interrupted: `torouter submit` begins anew"):
        tool.resume()


def test_two_processes_are_not_at_one_submission(tool: Tool) -> None:
    tool.fails(3, KilledError())
    with pytest.raises(KilledError):
        tool.submit()
    [left] = records.unfinished()

    with left.locked(), pytest.raises(ConflictError, match="is being submitted by another process"):
        tool.submit()


def test_finished_submissions_are_forgotten_after_a_month(tool: Tool) -> None:
    tool.submit()
    [done] = records.every()
    done.update(created_at=done.record.created_at - records.KEPT_S - 1)

    tool.submit()

    assert done.record.key not in {one.record.key for one in records.every()}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"expert": "nobody"}, "--expert nobody: there is none: choose one of auto, general, math"),
        ({"expert": "math", "all_experts": True}, "--expert says who answers"),
        ({"policy": "best", "all_experts": True}, "--all-experts leaves nothing to choose"),
        ({"policy": "worst"}, "worst"),
        ({"metadata": ["run"]}, "--metadata run: is KEY=VALUE"),
        ({"completion_window": "soon"}, "completion_window: .*24h"),
    ],
)
def test_wrong_options_leave_nothing_to_resume(tool: Tool, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        tool.submit(**options)

    assert records.unfinished() == []


def test_what_the_server_will_not_have_goes_on_once_it_will(
    tool: Tool, api_store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setitem(settings.__dict__, "max_file_bytes", 1024)
        with pytest.raises(InvalidInputError, match=r"TOROUTER_MAX_FILE_BYTES.*once that is mended, `torouter resume"):
            tool.submit()

    assert answered(api_store, tool.resume()) == ALL


def test_options_reach_the_batch(tool: Tool, api_store: Store) -> None:
    pairs = ["run=7", "note=a=b"]

    batch = tool.submit(policy="cost:20", metadata=pairs, completion_window="2h", on_invalid="skip")

    view = api_store.batches.get(batch, LOCAL)
    assert (view.details, view.completion_window) == ({"run": "7", "note": "a=b"}, "2h")
    assert rows(api_store, BATCH.c.policy, BATCH.c.on_invalid) == [("cost:20", "skip")]


def test_waiting_shows_progress_and_ends_with_the_batch(tool: Tool) -> None:
    tool.submit(wait=True, all_experts=True)

    last = tool.told.splitlines()[-1]
    assert last.startswith(f"completed: {LINES}/{LINES} prompts, {LINES * 2 * 5} tokens, US$ ")
    assert f"general {LINES} ({LINES * 5} tokens), math {LINES}" in last


def test_a_server_that_restarts_is_waited_for(tool: Tool) -> None:
    tool.fails(REQUESTS + 1, httpx.ConnectError("refused"))

    tool.submit(wait=True)

    assert "again in 0.01 s" in tool.told
    assert tool.told.splitlines()[-1].startswith(f"completed: {LINES}/{LINES} prompts")


def test_waiting_for_a_batch_that_fails_says_which_lines(tool: Tool) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a"}]}
    tool.file.write_text(json.dumps({"prompt": "a"}) + "\n" + json.dumps({"body": body}))

    with pytest.raises(typer.Exit) as end:
        tool.submit(wait=True)

    tool.printed()
    assert end.value.exit_code == 1
    assert "line 2: body: there is no model 'gpt-4o'" in tool.told
    assert "nothing of it has run: mend those lines and submit again, or leave them out by --on-invalid" in tool.told


def test_errors_of_a_folder_name_the_shard(tool: Tool) -> None:
    folder = tool.file.parent / "shards"
    folder.mkdir()
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "a"}]}
    (folder / "a.jsonl").write_text('{"prompt": "a"}\n' * 3)
    (folder / "b.jsonl").write_text('{"prompt": "a"}\n\n' + json.dumps({"body": body}))

    with pytest.raises(typer.Exit):
        tool.submit(folder, wait=True)

    tool.printed()
    assert "line 5 (b:3): body: there is no model 'gpt-4o'" in tool.told


def test_waiting_for_a_batch_with_failed_prompts_says_where_they_are(tool: Tool, workers: PlayedWorkers) -> None:
    workers.failure = ("prompt_rejected", "no")

    tool.submit(wait=True)

    assert f"{LINES} of {LINES} prompts failed: `torouter results batch_" in tool.told


def command(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([TOROUTER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_ctrl_c_while_waiting_only_detaches(url: str, file: Path, api_store: Store, workers: PlayedWorkers) -> None:
    workers.hold()
    waiting = command("submit", str(file), "--url", url, "--wait")
    assert waiting.stderr is not None
    while "in progress" not in waiting.stderr.readline():
        assert waiting.poll() is None

    waiting.send_signal(signal.SIGINT)
    out, told = waiting.communicate(timeout=END_S)
    workers.release()

    batch = out.strip()
    assert waiting.returncode == 130
    assert f"`torouter status {batch}` and `torouter results {batch}`, or stop it by `torouter cancel {batch}`" in told
    assert answered(api_store, batch) == ALL


def test_kill_9_in_the_middle_of_sending_loses_nothing(url: str, tmp_path: Path, api_store: Store) -> None:
    file, count = tmp_path / "large.jsonl", 40
    with file.open("w") as lines:
        lines.writelines(
            json.dumps({"prompt": f"{i} " + "word " * 100_000, "id": f"q{i}"}) + "\n" for i in range(count)
        )

    killed = command("submit", str(file), "--url", url)
    while not any(one.record.part_ids for one in records.unfinished()):
        assert killed.poll() is None, killed.communicate()
    killed.kill()
    killed.communicate()
    [left] = records.unfinished()
    again = command("submit", str(file), "--url", url)
    out, told = again.communicate(timeout=END_S)

    assert again.returncode == 0, told
    assert f"Going on with {left.record.key}" in told
    assert answered(api_store, out.strip()) == Counter(f"q{i}" for i in range(count))
    assert len(rows(api_store, UPLOAD.c.id)) == 1
