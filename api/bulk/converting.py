"""Turn a source into the input file of a batch, on this disk: only then is it known how many bytes will be sent."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from api.bulk import records
from api.bulk.lines import Lines
from api.bulk.records import Submission
from api.bulk.rows import Reader
from api.bulk.sources import Source
from core.errors import InvalidInputError

#: Lines between two looks at how far it is.
LOOK_LINES = 500


@dataclass(slots=True)
class Progress:
    """How far it is; `share` is 0..1, or None where nobody knows how much there is."""

    share: float | None = None
    lines: int = 0
    bytes: int = 0
    #: With `--on-invalid skip`: how many lines were left out, and why the first.
    left_out: int = 0
    first: str = ""


def convert(submission: Submission, source: Source, show: Callable[[Progress], None]) -> Progress:
    """Write the submission's lines. InvalidInputError for one that can't be taken, unless those are to be skipped."""
    options = submission.record.options
    reader, lines = Reader(source, options.columns, submission.folder), Lines(options)
    progress, digest = Progress(), hashlib.md5(usedforsecurity=False)  # as the API compares it
    with records.needing_room(submission.folder), submission.lines.open("wb") as file:
        for line in _converted(reader, lines, progress, skip=options.on_invalid == "skip"):
            digest.update(line)
            file.write(line)
            progress.lines, progress.bytes = progress.lines + 1, progress.bytes + len(line)
            if progress.lines % LOOK_LINES == 0:
                progress.share = reader.share()
                show(progress)
        file.flush()
        os.fsync(file.fileno())
    if not progress.lines:
        raise InvalidInputError(f"{source.path}: has no prompts{f'; {progress.first}' if progress.first else ''}")
    progress.share = 1.0
    show(progress)
    submission.update(lines=progress.lines, bytes=progress.bytes, md5=digest.hexdigest(), endpoint=lines.endpoint)
    return progress


def _converted(reader: Reader, lines: Lines, progress: Progress, *, skip: bool) -> Iterator[bytes]:
    for shard, row in reader.rows():
        try:
            yield lines.line(row, row.prefixed(shard))
        except InvalidInputError as error:
            if not skip:
                raise
            progress.left_out += 1
            progress.first = progress.first or str(error)
