"""Read a batch's file: a window of lines at a time, however long the file or a line is. Knows no format."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple

#: Bytes of lines that a window holds at most, and of one line; a longer line is cut, so that it can't be taken.
WINDOW_BYTES = 16 * 2**20
LINE_BYTES = 16 * 2**20

#: Bytes that are read at once where only line ends matter.
CHUNK = 2**20

BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    number: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """Lines that are not blank, and where the file goes on after them."""

    lines: list[Line]
    end: int


def windows(file: IO[bytes], start: int, most_lines: int, stop: int | None = None) -> Iterator[Window]:
    """What follows the byte `start`, up to `stop`; lines begin at both. A line ends at a newline and nowhere else."""
    number, at = lines_before(file, start), start
    lines: list[Line] = []
    size = 0
    while (stop is None or at < stop) and (raw := file.readline(LINE_BYTES)):
        number += 1
        at += len(raw)
        if not raw.endswith(b"\n"):
            at += _skip_line(file)
        if number == 1:
            raw = raw.removeprefix(BOM)
        if not raw.isspace():
            lines.append(Line(number, raw))
            size += len(raw)
        if len(lines) >= most_lines or size >= WINDOW_BYTES:
            yield Window(lines, at)
            lines, size = [], 0
    if lines:
        yield Window(lines, at)


def lines_before(file: IO[bytes], end: int) -> int:
    """How many lines end before the byte `end`, where the file is then."""
    file.seek(0)
    count, left = 0, end
    while left and (chunk := file.read(min(CHUNK, left))):
        count += chunk.count(b"\n")
        left -= len(chunk)
    return count


def _skip_line(file: IO[bytes]) -> int:
    """Bytes up to the end of a line that was cut; none at the file's end."""
    skipped = 0
    while raw := file.readline(LINE_BYTES):
        skipped += len(raw)
        if raw.endswith(b"\n"):
            break
    return skipped


class SeenIds:
    """The custom ids of a file so far, in SQLite's own temporary file: a million texts are too many for memory."""

    def __init__(self) -> None:
        self._seen = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._seen.execute("PRAGMA journal_mode = MEMORY")
        self._seen.execute("PRAGMA synchronous = OFF")
        self._seen.execute("CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, names: Sequence[str]) -> set[int]:
        """Places of those names that were there already, earlier among these too."""
        self._seen.execute("BEGIN")
        before = self._seen.total_changes
        self._seen.executemany("INSERT OR IGNORE INTO seen VALUES (?)", ((name,) for name in names))
        if self._seen.total_changes - before == len(names):
            self._seen.execute("COMMIT")
            return set()
        self._seen.execute("ROLLBACK")  # and now one by one, to see which
        insert = "INSERT OR IGNORE INTO seen VALUES (?)"
        return {place for place, name in enumerate(names) if not self._seen.execute(insert, (name,)).rowcount}

    def close(self) -> None:
        self._seen.close()
