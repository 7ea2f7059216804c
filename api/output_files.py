"""Write a file whole or not at all: an interruption leaves the old one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import InvalidInputError


def refuse_unwritable(out: Path) -> None:
    """InvalidInputError now, rather than after hours of work."""
    if out.is_dir() or not os.access(out if out.exists() else out.parent, os.W_OK):
        raise InvalidInputError(f"--out {out}: can't be written: name a file in a folder that exists and is yours")


@contextmanager
def replacing(out: Path, again: str = "the same command again") -> Iterator[Path]:
    """Where to write instead; it becomes `out` when the body has ended well. A device or pipe is written itself.

    InvalidInputError, with what to do then, where the disk won't have it.
    """
    part = out.with_name(out.name + ".part") if out.is_file() or not out.exists() else None
    try:
        yield part or out
        if part:
            part.replace(out)
    except OSError as error:
        raise InvalidInputError(f"{out}: {error.strerror}: mend that, then {again}") from error
    finally:
        if part:
            part.unlink(missing_ok=True)


def write(out: Path, text: str) -> None:
    """A whole text in UTF-8."""
    with replacing(out) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def make_folder(out: Path) -> None:
    """InvalidInputError where it is none, and can't become one."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"--out {out}: {error.strerror}: name a folder that is yours") from error
