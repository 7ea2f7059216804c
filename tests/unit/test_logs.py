"""Logs as JSON: one object a line, with ids as fields and without secrets."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.logs import Json, for_vllm
from api.redacting import Redacting
from core.schemas.work import Origin
from core.settings import Settings

CANARY = "c4n4ry-of-a-log"
PROMPT, BATCH = "prompt_" + "1" * 32, "batch_" + "2" * 32


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("tests.logs", logging.WARNING, __file__, 1, message, arguments, None)
    vars(made).update(extra)
    return made


def told(made: logging.LogRecord, **fields: str) -> dict[str, Any]:
    line = Json(**fields).format(made)
    assert "\n" not in line
    return json.loads(line)


def test_a_record_is_an_object_with_its_time_in_utc():
    made = record("%d prompts wait", 3)
    made.created, made.msecs = 1_700_000_000.25, 250.0

    assert told(made, process="expert-a", expert="a") == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "WARNING",
        "logger": "tests.logs",
        "message": "3 prompts wait",
        "process": "expert-a",
        "expert": "a",
    }


def test_ids_in_a_message_are_fields():
    found = told(record("%s of %s was not delivered", PROMPT, BATCH))

    assert (found["prompt_id"], found["batch_id"]) == (PROMPT, BATCH)


def test_ids_that_the_message_does_not_say_come_with_the_record():
    traced = Origin(PROMPT, BATCH, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

    found = told(record("it failed", expert="a", generation_id="7", secret_of_another=CANARY, **traced.ids()))

    assert {name: found[name] for name in ("prompt_id", "batch_id", "expert", "generation_id", "trace_id")} == {
        "prompt_id": PROMPT,
        "batch_id": BATCH,
        "expert": "a",
        "generation_id": "7",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }
    assert CANARY not in str(found)


def test_celerys_records_say_the_task_and_not_its_arguments():
    data = {"id": "c0ffee", "name": "torouter.route", "kwargs": "{'ids': [1]}"}

    found = told(record("Task %(name)s[%(id)s] received", data=data))

    assert (found["task"], found["task_id"]) == ("torouter.route", "c0ffee")
    assert "kwargs" not in str(found)


@pytest.mark.parametrize("text", ["two\nlines", "a\u2028b\x85c", 'a "quote"', "\ud800", "\x00\x1b[31m"])
def test_whatever_is_said_stays_on_one_line(text: str):
    assert told(record("%s", text))["message"] == text


def test_a_secret_is_in_no_field_and_no_trace():
    made = record("of %s", CANARY)
    try:
        raise ValueError(f"no {CANARY}")  # noqa: TRY301
    except ValueError:
        made.exc_info = sys.exc_info()

    assert Redacting({CANARY}).filter(made)
    found = told(made)

    assert found["message"] == "of [secret]"
    assert found["exception"].endswith("ValueError: no [secret]")
    assert CANARY not in str(found)


#: As `torouter` starts, and then whatever could be said past the log.
CRASHES = f"""
import logging, sys, threading, warnings
from api import logs
from api.redacting import known_settings, redact_logs
settings = known_settings()
logs.start(settings.log_format)
redact_logs(settings)
logs.catch_crashes(settings.log_format)
logs.name_process("expert-a", ["a"])
warnings.warn("a warning of {CANARY}")
def crash(): raise ValueError("{CANARY}" + "\\n" * 3)
thread = threading.Thread(target=crash)
thread.start()
thread.join()
def long(): [logging.getLogger("long").warning("%s", "x" * 20000) for _ in range(20)]
threads = [threading.Thread(target=long) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
crash()
"""


def test_every_line_of_a_process_is_an_object_its_last_words_too(tmp_path: Path):
    environment = {**os.environ, "TOROUTER_LOG_FORMAT": "json", "MY_API_KEY": CANARY, "PYTHONUNBUFFERED": "1"}
    with (tmp_path / "log").open("ab") as log:  # as the supervisor does
        subprocess.run(
            [sys.executable, "-c", CRASHES], env=environment, stdout=log, stderr=log, timeout=120, check=False
        )

    lines = (tmp_path / "log").read_text().splitlines()

    found = [json.loads(line) for line in lines]
    assert len(found) == 1 + 1 + 160 + 1
    assert {(one["process"], one["expert"]) for one in found} == {("expert-a", "a")}
    assert [one["level"] for one in found if "exception" in one] == ["CRITICAL", "CRITICAL"]
    assert CANARY not in "".join(lines)


def test_what_ends_a_command_is_an_object_too(tmp_path: Path):
    environment = {**os.environ, "TOROUTER_LOG_FORMAT": "json", "TOROUTER_PORT": "none", "TOROUTER_HOME": str(tmp_path)}

    ended = subprocess.run(
        [sys.executable, "-P", "-m", "api.cli", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 2
    assert "TOROUTER_PORT" in json.loads(ended.stderr)["message"]


#: As vLLM's processes do, each by itself.
AS_VLLM = """
import json, logging.config, os
logging.config.dictConfig(json.load(open(os.environ["VLLM_LOGGING_CONFIG_PATH"])))
logging.getLogger("vllm.engine").warning("no %s", os.environ["MY_API_KEY"])
logging.getLogger("transformers").warning("a library's")
"""


def test_vllms_processes_log_as_we_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VLLM_LOGGING_CONFIG_PATH", raising=False)
    monkeypatch.setenv("MY_API_KEY", CANARY)
    for_vllm(Settings(home=tmp_path), "expert-a", ["a"])
    assert "VLLM_LOGGING_CONFIG_PATH" not in os.environ

    for_vllm(Settings(home=tmp_path, log_format="json"), "expert-a", ["a"])
    environment = dict(os.environ)
    monkeypatch.delenv("VLLM_LOGGING_CONFIG_PATH")
    ran = subprocess.run([sys.executable, "-c", AS_VLLM], env=environment, capture_output=True, text=True, check=True)

    found, librarys = map(json.loads, ran.stderr.splitlines())
    assert librarys["message"] == "a library's"
    assert {name: found[name] for name in ("logger", "message", "process", "expert")} == {
        "logger": "vllm.engine",
        "message": "no [secret]",
        "process": "expert-a",
        "expert": "a",
    }
