"""From a source to a batch: convert it, send it, create the batch; and the same again after whatever interrupted it."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal

from api.bulk import records, sources
from api.bulk.converting import Progress, convert
from api.bulk.options import Options
from api.bulk.patience import Patience
from api.bulk.records import Submission
from api.bulk.sending import Sending
from api.bulk.sources import Source
from api.client import Client
from api.progress import Bar
from core.errors import InvalidInputError, NotReadyError


class Submitting:
    """To one server. `announce` gets the id of a batch before it is written down that there is nothing left to do."""

    def __init__(self, client: Client, console: Console, announce: Callable[[str], None]) -> None:
        self._client = client
        self._console = console
        self._announce = announce

    def submit(self, source: Source, options: Options) -> str:
        """The batch's id. A submission of the same, with the same options, that was interrupted goes on."""
        fingerprint = None if source.is_stream else _fingerprint(self._client.url, _seen(source), options)
        submission = _interrupted(fingerprint)
        if submission is None:
            submission = records.create(self._client.url, str(source.path), options, fingerprint)
        else:
            self._say(f"Going on with {submission.record.key}, which was interrupted")
        return self.resume(submission, source)

    def resume(self, submission: Submission, source: Source | None = None) -> str:
        """The batch's id; the source is looked for where it was, if it is needed at all."""
        with submission.locked():
            if submission.record.bytes is None:
                self._convert(submission, source or _found_again(submission))
            earlier = _interrupted(submission.record.fingerprint, before=submission)
            if earlier is None:
                return self._send(submission)
            submission.forget()
        self._say(f"Going on with {earlier.record.key}, which was interrupted")
        return self.resume(earlier)

    def _convert(self, submission: Submission, source: Source) -> None:
        """A record of what could not be converted is of no use to anybody."""
        try:
            with Bar(self._console, "Converting") as bar:
                made = convert(submission, source, lambda seen: bar.show_share(seen.share, _note(seen)))
        except BaseException as error:
            submission.forget()
            if isinstance(error, KeyboardInterrupt):
                self._say("\nInterrupted before anything was sent")
            raise
        if made.left_out:
            self._say(f"{made.left_out:,} lines can't be taken and are left out. The first: {made.first}")
        if source.is_stream:
            submission.update(
                fingerprint=_fingerprint(self._client.url, [submission.record.md5], submission.record.options)
            )

    def _send(self, submission: Submission) -> str:
        with self._told(submission), Bar(self._console, "Sending") as bar:

            def show(done: int, total: int) -> None:
                bar.show_share(done / total, f"{decimal(done)} of {decimal(total)}")

            if submission.record.batch_id is None:
                batch = Sending(self._client, submission, Patience(self._say)).send(show)
                # Killed between the two, the same command says the id again.
                self._announce(batch)
                submission.finish(batch)
            else:  # by another process, just now
                self._announce(submission.record.batch_id)
        return str(submission.record.batch_id)

    @contextmanager
    def _told(self, submission: Submission) -> Iterator[None]:
        """Whatever ends it says how to go on."""
        again = f"`torouter resume {submission.record.key}` goes on, and with --forget drops it"
        try:
            yield
        except KeyboardInterrupt:
            self._say(f"\nInterrupted, and nothing is lost: {again}")
            raise
        except NotReadyError as error:
            raise NotReadyError(f"{error}; nothing is lost: {again}") from error
        except InvalidInputError as error:
            if not submission.folder.exists():
                raise
            raise InvalidInputError(f"{error}; once that is mended, {again}") from error

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)


def _interrupted(fingerprint: str | None, before: Submission | None = None) -> Submission | None:
    """The oldest unfinished submission of the same; None where that isn't older than the one given."""
    if fingerprint is None:
        return None
    same = next((one for one in records.unfinished() if one.record.fingerprint == fingerprint), None)
    if same is None or before is None or same.record.created_at < before.record.created_at:
        return same
    return None


def _found_again(submission: Submission) -> Source:
    """InvalidInputError where it can't be read twice."""
    record = submission.record
    source = sources.find(Path(record.source), record.options.format)
    if source.is_stream:
        submission.forget()
        raise InvalidInputError(f"{record.source} was interrupted before all of it had been read: submit it again")
    return source


def _seen(source: Source) -> list[object]:
    """What tells whether a source is the same as before."""
    return [[str(shard.path), shard.size, shard.mtime_ns] for shard in source.shards]


def _fingerprint(url: str, content: object, options: Options) -> str:
    return hashlib.sha256(repr((url, content, options.model_dump_json())).encode(errors="replace")).hexdigest()


def _note(seen: Progress) -> str:
    return f"{seen.lines:,} lines, {decimal(seen.bytes)}"
