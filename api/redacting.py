"""No log of ours holds a key, not even one that somebody put into a URL."""

import logging
from typing import Final

from core.schemas.keys import redacted

#: Whoever may log what came from outside; their handlers are their own.
LOGGERS: Final = ("uvicorn.access", "uvicorn.error")


class Redacting(logging.Filter):
    """Cuts keys short in whatever is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, changed."""
        record.msg = redacted(record.msg) if isinstance(record.msg, str) else record.msg
        if isinstance(record.args, tuple):
            record.args = tuple(redacted(given) if isinstance(given, str) else given for given in record.args)
        return True


def redact_logs() -> None:
    """Of this process, for good."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(Redacting())
    for handler in logging.getLogger().handlers:
        handler.addFilter(Redacting())
