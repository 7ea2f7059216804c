"""Progress of long work, on stderr: bars where somebody looks, a line now and then where nobody does."""

import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

#: Seconds between two lines where the output is no terminal.
LINE_S = 5.0


class Bar:
    """One bar, from 0 to its total."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=None, note="")
        self._next_line, self._last_line = 0.0, ""

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, traceback)

    def show(self, done: int, total: int | None, note: str = "") -> None:
        """Draw it anew; where nobody looks, print a line if the last one is old or the work is done.

        Without a total nobody knows how much there is.
        """
        self._progress.update(self._task, completed=done, total=total, note=note)
        line = f"{self._title}: {note}" if total is None else f"{self._title}: {done}/{total} {note}".rstrip()
        due = time.monotonic() >= self._next_line or (total is not None and done >= total)
        if not self._console.is_terminal and due and line != self._last_line:
            self._console.print(line, highlight=False, soft_wrap=True)
            self._next_line, self._last_line = time.monotonic() + LINE_S, line

    def show_share(self, share: float | None, note: str) -> None:
        """The same in hundredths."""
        self.show(round(100 * (share or 0)), None if share is None else 100, note)


class BatchProgress(Bar):
    """A bar over the prompts of a batch object, as the API gives it."""

    def __init__(self, console: Console, title: str = "Prompts") -> None:
        super().__init__(console, title)

    def show_batch(self, batch: dict[str, Any]) -> None:  # Any: JSON
        counts = batch["request_counts"]
        failed = f", {counts['failed']} failed" if counts["failed"] else ""
        tokens = f"{batch['usage']['output_tokens']:,} tokens"
        self.show(counts["completed"] + counts["failed"], counts["total"], f"{tokens}{failed}, {batch['status']}")
