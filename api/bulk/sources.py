"""A source of prompts: a file, a folder of shards, or standard input; plain or in gzip. Opens it, and reads no row."""

import gzip
import io
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from api.bulk.options import Format
from core.errors import InvalidInputError

STDIN: Final = Path("-")

#: Of files in a folder; a file that is named may have any suffix, and is JSON lines then.
SUFFIXES: Final = {
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".json": Format.JSON_LINES,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
}

GZIP: Final = ".gz"
GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Shard:
    """One file; `prefix` is what the ids begin with that its lines get where they have none."""

    path: Path
    format: Format
    prefix: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Source:
    """Its shards in their order. A stream, as standard input or a pipe, can be read once."""

    path: Path
    shards: tuple[Shard, ...]
    is_stream: bool

    @property
    def size(self) -> int:
        return sum(shard.size for shard in self.shards)


def find(path: Path, kind: Format | None = None) -> Source:
    """The source of that name; `kind` is its format, whatever its names say. InvalidInputError where there is none."""
    try:
        if path == STDIN:
            return Source(STDIN, (Shard(STDIN, kind or Format.JSON_LINES, "line-", 0, 0),), is_stream=True)
        path = path.expanduser().absolute()
        if path.is_dir():
            return Source(path, tuple(_shards(path, kind)), is_stream=False)
        return Source(path, (_shard(path, kind or _format(path) or Format.JSON_LINES, "line-"),), not path.is_file())
    except OSError as error:
        raise InvalidInputError(f"{path}: can't be read: {error.strerror}") from error


class Opened:
    """A shard's bytes, out of gzip where they are in it."""

    def __init__(self, raw: io.BufferedReader) -> None:
        self._raw = raw
        is_gzip = raw.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
        self.content = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if is_gzip else raw
        #: Whether it can be read from any place in it, quickly.
        self.is_seekable = not is_gzip and raw.seekable()

    def done(self) -> int:
        """Bytes that have been read of the file itself."""
        return self._raw.tell() if self._raw.seekable() else 0


@contextmanager
def opened(shard: Shard) -> Iterator[Opened]:
    """Closed with the body; standard input stays open."""
    if shard.path == STDIN:
        yield Opened(io.BufferedReader(_Unclosed(sys.stdin.buffer)))
        return
    with shard.path.open("rb") as raw:
        yield Opened(raw)


class _Unclosed(io.RawIOBase):
    """Reads what another owns."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader gives
        # Whatever is there, and not as much as fits: whoever feeds a pipe line by line sees it used line by line.
        read = getattr(self._file, "read1", self._file.read)
        chunk: bytes = read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _shards(folder: Path, kind: Format | None) -> Iterator[Shard]:
    found = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
    formats = {path: _format(path) for path in found}
    shards = {path: kind or named for path, named in formats.items() if named is not None}
    if not shards:
        known = ", ".join(SUFFIXES)
        raise InvalidInputError(
            f"{folder}: has no file of prompts: their names end with one of {known}, or with .gz after"
        )
    stems = Counter(_stem(path) for path in shards)
    for path, format_ in shards.items():
        # Ids must differ, also where a.csv lies beside a.jsonl.
        name = _stem(path) if stems[_stem(path)] == 1 else path.name
        yield _shard(path, format_, f"{name.encode(errors='replace').decode()}:")


def _shard(path: Path, format_: Format, prefix: str) -> Shard:
    seen = path.stat()
    return Shard(path, format_, prefix, seen.st_size, seen.st_mtime_ns)


def _format(path: Path) -> Format | None:
    """By its suffix, and the one before where the last is gzip's."""
    return SUFFIXES.get(_without_gzip(path).suffix.lower())


def _stem(path: Path) -> str:
    return _without_gzip(path).stem


def _without_gzip(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() == GZIP else path
