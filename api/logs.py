"""Logs of a process: text for people, or one JSON object a line with ids as fields (TOROUTER_LOG_FORMAT=json).

Only the fields below are written, whatever else a library ties to its records: `api.redacting` cleans messages and
traces, and would not see it.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal

from core.settings import Settings
from experts.device import ENVIRONMENT
from workers import tracing

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

#: What a record may carry besides (`extra=`).
EXTRA: Final = ("prompt_id", "batch_id", "expert", "generation_id", "trace_id")

#: Ids in a message are fields too, so that no line has to say one twice.
IDS: Final = re.compile(r"\b(?P<kind>prompt|batch)_[0-9a-f]{32}\b")

#: What Celery ties to a task's record, and what it is called here.
TASK: Final = {"id": "task_id", "name": "task"}

#: vLLM's own variables: a file with what it shall tell Python's `logging`, and the level without one.
VLLM_CONFIG, VLLM_LEVEL = "VLLM_LOGGING_CONFIG_PATH", "VLLM_LOGGING_LEVEL"

log = logging.getLogger("torouter")


class Json(logging.Formatter):
    """A record as an object on one line; `fields` are the same in all."""

    def __init__(self, **fields: str) -> None:
        super().__init__()
        self.fields = fields

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        told = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%FT%T}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": message,
            **self.fields,
            **{f"{found['kind']}_id": found[0] for found in reversed(list(IDS.finditer(message)))},
            **tracing.ids(),
            **_task(record),
            **{name: str(vars(record)[name]) for name in EXTRA if vars(record).get(name) is not None},
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            told["exception"] = record.exc_text
        return json.dumps(told)


def start(log_format: Literal["text", "json"]) -> None:
    """Log to standard error from now on. In JSON, also what Python itself says there: warnings, and its last words."""
    if log_format == "text":
        logging.basicConfig(level=logging.WARNING, format=TEXT)
        return
    handler = logging.StreamHandler()
    handler.setFormatter(Json())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(capture=True)
    vars(sys)["__stdout__"] = None  # where Celery says that it was told to end, past all logging


def catch_crashes(log_format: Literal["text", "json"]) -> None:
    """In JSON, log what nobody has caught; threads' crashes come here by `redacting.on_crash_of_thread`."""
    if log_format == "json":
        sys.excepthook = _crashed


def name_process(process: str, experts: Sequence[str] = ()) -> None:
    """Say in every line from now on which process it is of, and of which expert where it serves one alone."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Json):
            handler.formatter.fields = _fields(process, experts)


def for_vllm(settings: Settings, process: str, experts: Sequence[str]) -> None:
    """In JSON, make vLLM's own processes log as we do; whoever has told it otherwise is obeyed."""
    if settings.log_format == "text" or VLLM_CONFIG in os.environ:
        return
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redacting": {"()": "api.redacting.redacting_of"}},
        "formatters": {"json": {"()": "api.logs.Json", **_fields(process, experts)}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["redacting"]}},
        # Of this process too, which changes nothing in it; and of EngineCore, which has no other.
        "root": {"handlers": ["stderr"], "level": settings.log_level},
        "loggers": {"vllm": {"level": os.environ.get(VLLM_LEVEL, ENVIRONMENT[VLLM_LEVEL])}},
    }
    file = settings.home / "run" / f"{process}.vllm-logging.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(config), encoding="utf-8")
    os.environ[VLLM_CONFIG] = str(file)


def of_uvicorn(settings: Settings) -> Mapping[str, Any]:  # Any: options
    """Its options: in JSON it logs as we do, and else in its own way."""
    return {"log_config": None} if settings.log_format == "json" else {}


def _fields(process: str, experts: Sequence[str]) -> dict[str, str]:
    return {"process": process, **({"expert": experts[0]} if len(experts) == 1 else {})}


def _task(record: logging.LogRecord) -> dict[str, str]:
    data = getattr(record, "data", None)
    return (
        {ours: str(data[theirs]) for theirs, ours in TASK.items() if theirs in data} if isinstance(data, dict) else {}
    )


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("an error that nobody has caught", exc_info=(kind, error, trace))
