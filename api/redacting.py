"""No log and no message of ours holds a secret: not a key that somebody put into a URL, nor a password of the settings.

Messages are made without them in the first place; this is what stands behind that, in every process.
"""

import logging
import os
import re
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final
from urllib.parse import unquote

from core import settings as settings_of
from core.errors import ConfigError
from core.schemas.keys import redacted
from core.schemas.urls import SECRET_NAME, passwords_of
from core.settings import SECRETS, Settings

#: Whoever may log what came from outside; their handlers are their own.
LOGGERS: Final = ("uvicorn.access", "uvicorn.error")

#: OpenTelemetry's variables with what its collector is told, mostly a key.
COLLECTOR_HEADERS: Final = re.compile(r"OTEL_EXPORTER_OTLP_(\w+_)?HEADERS")

#: Shorter ones are words that occur in any log.
SHORTEST: Final = 6

MASK: Final = "[secret]"


class Redacting(logging.Filter):
    """Cuts keys short, and masks secrets, in whatever is logged."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        super().__init__()
        self._known = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True)))) if secrets else None

    def clean(self, text: str) -> str:
        """The text without them."""
        return redacted(self._known.sub(MASK, text) if self._known else text)

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, changed."""
        if record.name == "uvicorn.access" and isinstance(record.args, tuple):  # whose formatter wants its arguments
            record.args = tuple(self.clean(given) if isinstance(given, str) else given for given in record.args)
        else:
            with suppress(
                TypeError, ValueError, LookupError
            ):  # a message that can't be made is its handler's to report
                record.msg, record.args = self.clean(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self.clean(record.exc_text)
        return True

    def on_crash(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """As Python's own hook, for what nobody has caught."""
        told = logging.Formatter().formatException((kind, error, trace))
        print(self.clean(told), file=sys.stderr)  # noqa: T201  # as that hook does


def on_crash_of_thread(crash: threading.ExceptHookArgs) -> None:
    """As a crash of the process, by whatever hook that has by then."""
    if crash.exc_type is not SystemExit:
        sys.excepthook(crash.exc_type, crash.exc_value or crash.exc_type(), crash.exc_traceback)


def known_settings() -> Settings:
    """As far as they can be read: where one is wrong the defaults, for whoever needs them says so."""
    try:
        return settings_of.read()
    except ConfigError:
        wants_json = os.environ.get("TOROUTER_LOG_FORMAT") == "json"
        return Settings.model_construct(log_format="json" if wants_json else "text")


def redacting_of(settings: Settings | None = None) -> Redacting:
    """By these settings, or those that can be read, and the environment that there is now."""
    known = secrets_of(settings or known_settings(), os.environ)
    return Redacting(frozenset(one for one in known if len(one) >= SHORTEST))


def redact_logs(settings: Settings) -> Redacting:
    """Of this process, for good; by these settings and the environment that there is now."""
    redacting = redacting_of(settings)
    for name in LOGGERS:
        logging.getLogger(name).addFilter(redacting)
    for handler in logging.getLogger().handlers:
        handler.addFilter(redacting)
    sys.excepthook = redacting.on_crash
    threading.excepthook = on_crash_of_thread
    return redacting


def secrets_of(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    """Passwords and keys, as they are written and as they are meant."""
    for name in SECRETS:
        value = getattr(settings, name)
        yield from _of(value if isinstance(value, str) else value.get_secret_value() if value else "")
    for name, value in environment.items():
        if SECRET_NAME.search(name):
            yield value.strip()
        if COLLECTOR_HEADERS.fullmatch(name):
            yield from _of_headers(value)


def _of_headers(value: str) -> Iterator[str]:
    """Of `name=value,name=value` the values, as they are written and as they are meant; of `Bearer KEY` the key."""
    for pair in value.split(","):
        given = pair.partition("=")[2].strip()
        for one in (given, unquote(given)):
            yield from (one, one.rpartition(" ")[2])


def _of(value: str) -> Iterator[str]:
    """Of a URL its passwords; of USER:PASSWORD the password; else the value itself."""
    return passwords_of(value) if "://" in value else iter((value.rpartition(":")[2],))
