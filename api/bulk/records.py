"""What is kept of submissions on this disk, so that one that was interrupted goes on: a folder each.

`record.json` is replaced whole at each step; `lines.jsonl` is what is being sent, and gone once the server has it.
"""

import errno
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from api.bulk.options import Endpoint, Options
from core.errors import ConflictError, InvalidInputError

#: A finished submission is remembered for so long.
KEPT_S: Final = 30 * 86_400.0

#: Names the folder where a user's submissions are remembered; without it ~/.local/state/torouter.
STATE: Final = "TOROUTER_STATE"

RECORD, LINES, LOCK = "record.json", "lines.jsonl", "lock"


class Record(BaseModel):
    """How far a submission is. What isn't there yet is None."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    url: str
    source: str
    #: Of url, source (or, for a stream, what came out of it) and options: the same again is the same submission.
    fingerprint: str | None = None
    options: Options
    created_at: float

    # Converted.
    lines: int = 0
    bytes: int | None = None
    md5: str | None = None
    endpoint: Endpoint | None = None

    # Sent: what expired at the server is begun anew, and that is another try.
    tries: int = 0
    part_bytes: int = 0
    upload_id: str | None = None
    part_ids: tuple[str, ...] = ()
    file_id: str | None = None
    batch_id: str | None = None

    def once(self, step: str) -> str:
        """The Idempotency-Key of a step."""
        return f"torouter-{self.key}-{self.tries}-{step}"


class Submission:
    """One of them, on disk."""

    def __init__(self, folder: Path, record: Record) -> None:
        self.folder = folder
        self.record = record

    @property
    def lines(self) -> Path:
        return self.folder / LINES

    def update(self, **changes: Any) -> None:  # Any: a value of each field
        """Write it down; a crash leaves the record before or this one."""
        self.record = self.record.model_copy(update=changes)
        part = self.folder / f"{RECORD}.part"
        with needing_room(self.folder):
            with part.open("w", encoding="utf-8") as file:
                file.write(self.record.model_dump_json(indent=2))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.folder / RECORD)

    def finish(self, batch_id: str) -> None:
        """The server has it: only ids are kept."""
        self.update(batch_id=batch_id, part_ids=())
        self.lines.unlink(missing_ok=True)

    def forget(self) -> None:
        shutil.rmtree(self.folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """ConflictError while another process is at it; its death frees it."""
        with (self.folder / LOCK).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConflictError(
                    f"{self.record.source} is being submitted by another process ({self.record.key}): wait for it"
                ) from error
            self.record = (_read(self.folder) or self).record  # another process may have had it until now
            yield


def create(url: str, source: str, options: Options, fingerprint: str | None) -> Submission:
    """A new one; memories of finished ones are dropped when they are old."""
    _prune()
    key = secrets.token_hex(8)
    folder = root() / key
    with needing_room(root()):
        folder.mkdir(parents=True)
    record = Record(key=key, url=url, source=source, fingerprint=fingerprint, options=options, created_at=time.time())
    submission = Submission(folder, record)
    submission.update()
    return submission


def every() -> list[Submission]:
    """All of them, the oldest first."""
    found = [_read(folder) for folder in root().glob("*")]
    return sorted((one for one in found if one), key=lambda one: one.record.created_at)


def unfinished() -> list[Submission]:
    return [one for one in every() if one.record.batch_id is None]


def root() -> Path:
    """`TOROUTER_STATE`, or a folder of the user's; not `TOROUTER_HOME`, which is the server's."""
    own = os.environ.get(STATE)
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return (Path(own) if own else Path(state, "torouter")).expanduser().absolute() / "submissions"


@contextmanager
def needing_room(folder: Path) -> Iterator[None]:
    """What the disk says becomes an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            cure = (
                "what is sent is kept there until the server has it: make room, or set TOROUTER_STATE to a folder with"
            )
        else:
            cure = "submissions are kept there: set TOROUTER_STATE to a folder that is yours"
        raise InvalidInputError(f"{folder}: {error.strerror}: {cure}") from error


def _read(folder: Path) -> Submission | None:
    """None for what is none, or was killed before its first record."""
    try:
        return Submission(folder, Record.model_validate_json((folder / RECORD).read_bytes()))
    except (OSError, ValidationError):
        return None


def _prune() -> None:
    for one in every():
        if one.record.batch_id is not None and one.record.created_at < time.time() - KEPT_S:
            one.forget()
