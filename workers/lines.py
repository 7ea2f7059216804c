"""What the steps of a batch work with: how to read one of its lines, and how to write what became of it.

The format is the API's, which the steps don't know; whoever builds the process hands it in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

from core.schemas.files import BatchJob, NewLine, OutputRow
from core.schemas.work import Claim
from core.settings import Settings
from core.store import Store
from workers.leasing import Leases
from workers.sending import Sender


class LineReader(Protocol):
    """Reads the lines of one batch."""

    def read(self, number: int, raw: bytes) -> NewLine:
        """The prompt that a line becomes; InvalidInputError, with code and param, for one that can't be taken."""

    def custom_id(self, raw: bytes) -> str | None:
        """The caller's id of any line, as far as there is one."""


class LineFormat(Protocol):
    """The format of input, output and error files."""

    def reader(self, job: BatchJob) -> LineReader: ...

    def answer(self, row: OutputRow, job: BatchJob) -> bytes:
        """A line of the output file."""

    def error(self, error: "LineError") -> bytes:
        """A line of the error file."""


@dataclass(frozen=True, slots=True)
class LineError:
    """What became of a line that has no answer; without a prompt, it never was one."""

    line: int
    custom_id: str | None
    code: str
    message: str
    prompt_id: str | None = None
    param: str | None = None

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """As a batch's `errors` have it."""
        return {"code": self.code, "message": self.message, "line": self.line, "param": self.param}


class StepInterruptedError(Exception):
    """The process is to end, or the batch is another's by now: whoever takes it goes on."""


@dataclass(frozen=True, slots=True)
class Using:
    """What the steps work with; `stopping` is set when the process has been asked to end."""

    store: Store
    sender: Sender
    leases: Leases
    lines: LineFormat
    settings: Settings
    #: Measures a batch whose lines carried references, before it ends; how is the API's to know.
    evaluate: Callable[[BatchJob], None] = lambda _job: None
    stopping: Event = field(default_factory=Event)

    def check(self, job: BatchJob) -> None:
        """StepInterruptedError where this process is to end, or the batch is another's by now."""
        if self.stopping.is_set() or Claim(job.id, job.fence) in self.leases.lost():
            raise StepInterruptedError
