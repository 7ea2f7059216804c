"""Send a submission's lines in parts and make a batch of them. Whatever interrupts it, the next run goes on there.

Each answer is written down before the next request, and a request whose answer was lost is sent again under the same
Idempotency-Key: nothing is stored twice.
"""

from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Final

from api.bulk.patience import Patience
from api.bulk.records import Submission
from api.client import Client
from core.errors import ConflictError, InvalidInputError, NotFoundError

#: Bytes of a part: small ones lose little when they are lost, and many make a long record. The API takes 64 MB.
PART_BYTES: Final = 8 * 2**20
LARGEST_PART_BYTES: Final = 60 * 2**20
FEW_PARTS: Final = 1000


class Sending:
    """One submission on its way to one server."""

    def __init__(self, client: Client, submission: Submission, patience: Patience) -> None:
        self._client = client
        self._submission = submission
        self._patience = patience

    def send(self, show: Callable[[int, int], None]) -> str:
        """The batch's id; `show` gets how many bytes of how many the server has."""
        try:
            return self._batch(self._file(show))
        except (NotFoundError, ConflictError):
            # What was begun is gone: it expired, or it is another database.
            self._submission.update(
                tries=self._submission.record.tries + 1, upload_id=None, part_ids=(), file_id=None, part_bytes=0
            )
            return self._batch(self._file(show))

    def _file(self, show: Callable[[int, int], None]) -> str:
        """Id of the file of all lines."""
        if self._submission.record.file_id is None:
            self._begin()
            self._add_parts(show)
            self._complete()
        return str(self._submission.record.file_id)

    def _begin(self) -> None:
        record = self._submission.record
        if record.upload_id is None:
            size = record.bytes or 0
            name = PurePath(record.source).name if record.source != "-" else "stdin"
            body = {
                "filename": f"{name}.jsonl".encode(errors="replace").decode()[-200:],
                "purpose": "batch",
                "bytes": size,
                "mime_type": "application/jsonl",
            }
            upload_id = self._ask(self._client.create_upload, body, record.once("upload"))
            part_bytes = min(max(PART_BYTES, -(-size // FEW_PARTS)), LARGEST_PART_BYTES)
            self._submission.update(upload_id=upload_id, part_bytes=part_bytes)

    def _add_parts(self, show: Callable[[int, int], None]) -> None:
        record = self._submission.record
        with self._submission.lines.open("rb") as file:
            file.seek(len(record.part_ids) * record.part_bytes)
            show(file.tell(), record.bytes or 0)
            while data := file.read(record.part_bytes):
                place = len(self._submission.record.part_ids)
                part = self._ask(self._client.add_part, record.upload_id, data, record.once(f"part-{place}"))
                self._submission.update(part_ids=(*self._submission.record.part_ids, part))
                show(file.tell(), record.bytes or 0)

    def _complete(self) -> None:
        record = self._submission.record
        once = record.once("complete")
        file_id = self._ask(self._client.complete_upload, record.upload_id, record.part_ids, record.md5, once)
        self._submission.update(file_id=file_id)

    def _batch(self, file: str) -> str:
        record = self._submission.record
        body = {"input_file_id": file, "endpoint": record.endpoint, **record.options.batch()}
        try:
            return str(self._ask(self._client.create_batch, body, record.once("batch"))["id"])
        except (NotFoundError, ConflictError):
            raise
        except InvalidInputError:
            self._submission.forget()  # its options are wrong, and with others it is another submission
            raise

    def _ask(self, ask: Callable[..., Any], *arguments: Any) -> Any:  # Any: of each request
        return self._patience(lambda: ask(*arguments))
