"""Read the rows of a source as a stream: JSON lines, CSV and Parquet. Knows nothing of what a row asks."""

import csv
import io
import tempfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TextIO

from api.bulk import records, sources
from api.bulk.options import Columns, Format
from api.bulk.sources import Opened, Shard, Source
from core.errors import ConfigError, InvalidInputError

#: No line, cell or row may be larger, in bytes: memory is bounded.
LONGEST_LINE: Final = 64 * 2**20

#: Rows of Parquet that are in memory at once, and bytes that are read at once.
PARQUET_ROWS: Final = 256
PARQUET_BUFFER: Final = 2**20

BOM: Final = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One row: JSON that nobody has parsed yet, or cells by their columns. Counted from 1, in its shard."""

    number: int
    place: str
    content: bytes | Mapping[str, Any]  # Any: JSON

    def prefixed(self, shard: Shard) -> str:
        """An id for it, where it has none."""
        return f"{shard.prefix}{self.number}"


class Reader:
    """Reads a source. What has to be read out of order, as Parquet in gzip, is laid into the folder `scratch`."""

    def __init__(self, source: Source, columns: Columns, scratch: Path) -> None:
        self._source = source
        self._columns = columns
        self._scratch = scratch
        self._before = 0
        self._open: Opened | None = None

    def rows(self) -> Iterator[tuple[Shard, Row]]:
        """Every row that isn't blank. InvalidInputError names the file, and the line where it is known."""
        for shard in self._source.shards:
            try:
                with sources.opened(shard) as self._open:
                    for row in self._of(shard, self._open):
                        yield shard, row
            except (OSError, EOFError, zlib.error) as error:
                raise InvalidInputError(f"{shard.path}: can't be read: {error}") from error
            except UnicodeDecodeError as error:
                raise InvalidInputError(f"{shard.path}: is not UTF-8 ({error}): convert it, e.g. by iconv") from error
            self._open, self._before = None, self._before + shard.size

    def share(self) -> float | None:
        """How much of the source has been read, 0..1; None where nobody knows how much there is."""
        if self._source.is_stream or not self._source.size:
            return None
        done = self._open.done() if self._open else 0
        return min(1.0, (self._before + done) / self._source.size)

    def _of(self, shard: Shard, file: Opened) -> Iterator[Row]:
        match shard.format:
            case Format.JSON_LINES:
                return _json_lines(shard, file.content)
            case Format.CSV:
                return _csv(shard, file.content, self._columns)
            case Format.PARQUET:
                return _parquet(shard, file, self._columns, self._scratch)


def _json_lines(shard: Shard, content: BinaryIO) -> Iterator[Row]:
    """A line ends at a newline and nowhere else: U+2028 and its like occur in real prompts."""
    number = 0
    while line := content.readline(LONGEST_LINE + 1):
        number += 1
        place = f"{shard.path}:{number}"
        if len(line) > LONGEST_LINE:
            raise InvalidInputError(f"{place}: is longer than {LONGEST_LINE:,} bytes: write one JSON object a line")
        line = line.removeprefix(BOM) if number == 1 else line
        if line.strip():
            yield Row(number, place, line)


def _csv(shard: Shard, content: BinaryIO, columns: Columns) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_LINE)
    # Line ends as they are: the module itself tells those within quotes from those between rows.
    text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    reader = csv.reader(_bounded(shard, text), strict=True)
    try:
        header = next(reader, [])
        _check(shard, columns, header)
        for number, cells in enumerate(filter(None, reader), 1):
            if len(cells) != len(header):
                raise InvalidInputError(
                    f"{shard.path}:{reader.line_num}: has {len(cells)} cells, and the header {len(header)}: put cells "
                    'with commas, line ends or quotes into double quotes, and write "" for a quote in them'
                )
            yield Row(number, f"{shard.path}:{reader.line_num}", dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise InvalidInputError(f"{shard.path}:{reader.line_num}: is no CSV: {error}; check its quotes") from error
    finally:
        text.detach()  # else it would close what isn't its own


def _bounded(shard: Shard, text: TextIO) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise InvalidInputError(f"{shard.path}: has a line longer than {LONGEST_LINE:,} characters: is it CSV?")
        yield line


def _parquet(shard: Shard, file: Opened, columns: Columns, scratch: Path) -> Iterator[Row]:
    try:
        import pyarrow as pa  # noqa: PLC0415  # an extra
        from pyarrow import parquet  # noqa: PLC0415  # as above
    except ImportError as error:
        raise ConfigError(f"{shard.path}: Parquet needs an extra: pip install 'torouter[parquet]'") from error
    with _seekable(file, scratch) as content:
        try:
            # Without a buffer of its own it would hold a whole row group, which may be the whole file.
            table = parquet.ParquetFile(content, pre_buffer=False, buffer_size=PARQUET_BUFFER)
            header = table.schema_arrow.names
            _check(shard, columns, header)
            wanted = [name for name in header if name in _names(columns)]
            batches = table.iter_batches(PARQUET_ROWS, columns=wanted, use_threads=False)
            rows = (row for batch in batches for row in batch.to_pylist())
            for number, row in enumerate(rows, 1):
                yield Row(number, f"{shard.path}: row {number}", row)
        except pa.ArrowException as error:
            raise InvalidInputError(f"{shard.path}: can't be read as Parquet: {error}") from error


def _seekable(file: Opened, scratch: Path) -> BinaryIO:
    """Its content, where any place in it can be read: a copy that is gone with it where there is none."""
    if file.is_seekable:
        return file.content
    copy = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115  # whoever asked closes it
    try:
        while chunk := file.content.read(PARQUET_BUFFER):
            with records.needing_room(scratch):
                copy.write(chunk)
        copy.seek(0)
    except BaseException:
        copy.close()
        raise
    return copy


def _names(columns: Columns) -> set[str]:
    """Of columns that may be wanted."""
    return {given or name for name, given in columns} | ({"messages"} if columns.prompt is None else set())


def _check(shard: Shard, columns: Columns, header: Collection[str]) -> None:
    """InvalidInputError where a column that was named isn't there, or none that could be the prompt."""
    for name, given in columns:
        if given is not None and given not in header:
            option = "--column" if name == "prompt" else f"--{name}-column"
            raise InvalidInputError(f"{shard.path}: has no column {given!r}: name one by {option}: {_listed(header)}")
    if columns.prompt is None and not {"prompt", "messages"} & set(header):
        raise InvalidInputError(f"{shard.path}: has no column 'prompt': name yours by --column: {_listed(header)}")


def _listed(header: Collection[str]) -> str:
    return ", ".join(header) or "it has none"
