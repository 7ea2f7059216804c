"""A batch object as people read it: one line of how far it is, a table of its experts, a page of all of it."""

import time
from collections import deque
from collections.abc import Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from api.client import ENDED, Json

#: Seconds over which a speed is measured.
WINDOW_S: Final = 30.0

#: Errors of a batch that are shown; the others are in its object.
MOST_ERRORS: Final = 20

#: Times of a batch that are shown, in their order.
TIMES: Final = ("created_at", "in_progress_at", "completed_at", "failed_at", "expired_at", "cancelled_at", "expires_at")


class Speed:
    """How fast a batch goes, by the latest looks at it."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._looks: deque[tuple[float, int, int]] = deque()

    def look(self, batch: Json) -> None:
        at = time.monotonic()
        self._looks.append((at, ended(batch), batch["usage"]["output_tokens"]))
        while self._looks[0][0] < at - WINDOW_S and len(self._looks) > 2:  # noqa: PLR2004  # a speed needs two
            self._looks.popleft()

    def elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def tokens_per_s(self) -> float:
        (began, _, before), (at, _, after) = self._looks[0], self._looks[-1]
        return (after - before) / (at - began) if at > began else 0.0

    def left_s(self, batch: Json) -> float | None:
        """None where nothing has ended yet by which it could be told."""
        (began, before, _), (at, after, _) = self._looks[0], self._looks[-1]
        if after == before or batch["status"] != "in_progress":
            return None
        return float((batch["request_counts"]["total"] - after) * (at - began) / (after - before))


def ended(batch: Json) -> int:
    """How many of its prompts have ended, however."""
    return sum(count for name, count in batch["request_counts"].items() if name != "total")


def line(batch: Json, speed: Speed | None = None) -> str:
    """How far it is."""
    counts, phase = batch["request_counts"], batch["status"].replace("_", " ")
    if not counts["total"]:
        return f"{phase}: reading its lines" if batch["status"] == "validating" else phase
    parts = [f"{ended(batch):,}/{counts['total']:,} prompts"]
    parts += [f"{counts[name]:,} {name}" for name in ("failed", "cancelled", "expired") if counts[name]]
    if batch["status"] == "finalizing" and batch["scores_open"]:
        parts += [f"{batch['scores_open']:,} scores to come"]
    parts += [f"{batch['usage']['output_tokens']:,} tokens", f"US$ {batch['cost_usd']:.4f}"]
    if speed is not None:
        left = speed.left_s(batch)
        parts += [f"{speed.tokens_per_s():,.0f} tokens/s", duration(speed.elapsed_s())]
        parts += [] if left is None else [f"{duration(left)} left"]
    return f"{phase}: {', '.join(parts)}"


def by_expert(batch: Json) -> str:
    """Each expert's answers and tokens, in a line."""
    each = [
        f"{name} {one['completed']:,} ({one['output_tokens']:,} tokens)" for name, one in batch["by_expert"].items()
    ]
    return ", ".join(each)


def live(batch: Json, speed: Speed) -> RenderableType:
    """The same for a terminal that is drawn anew."""
    total = batch["request_counts"]["total"] or None
    bar = ProgressBar(total=total, completed=ended(batch), width=60, pulse=total is None)
    return Group(Text(line(batch, speed)), bar, *([experts(batch)] if batch["by_expert"] else []))


def experts(batch: Json) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("expert")
    for title in ("done", "failed", "tokens in", "tokens out", "US$"):
        table.add_column(title, justify="right")
    for name, one in batch["by_expert"].items():
        counts = (one["completed"], one["failed"], one["input_tokens"], one["output_tokens"])
        table.add_row(name, *(f"{count:,}" for count in counts), f"{one['cost_usd']:.4f}")
    return table


def page(batch: Json) -> RenderableType:
    """All that matters of one batch."""
    table = Table.grid(padding=(0, 2))
    table.add_row("batch", batch["id"])
    table.add_row("status", line(batch))
    for name in TIMES:
        if batch.get(name) is not None and not (name == "expires_at" and batch["status"] in ENDED):
            table.add_row(name.removesuffix("_at").replace("_", " "), moment(batch[name]))
    for name in ("input_file_id", "output_file_id", "error_file_id"):
        if batch.get(name):
            table.add_row(name.removesuffix("_id").replace("_", " "), batch[name])
    for key, value in (batch.get("metadata") or {}).items():
        table.add_row(Text(key), Text(str(value)))
    return Group(table, *([experts(batch)] if batch["by_expert"] else []), *map(Text, errors(batch)))


def newest(batches: list[Json]) -> Table:
    """A line for each of several."""
    table = Table(box=None, pad_edge=False)
    for title in ("batch", "created", "status", "prompts", "failed", "US$"):
        table.add_column(title, justify="right" if title in {"prompts", "failed", "US$"} else "left", no_wrap=True)
    for batch in batches:
        counts = batch["request_counts"]
        prompts = f"{ended(batch):,}/{counts['total']:,}"
        cost = f"{batch['cost_usd']:.4f}"
        table.add_row(batch["id"], moment(batch["created_at"]), batch["status"], prompts, f"{counts['failed']:,}", cost)
    return table


def errors(batch: Json, names: Mapping[int, str] | None = None) -> list[str]:
    """Why nothing of it has run, the first lines of it; `names` are lines' own ids, by their numbers in the file."""
    found = (batch["errors"] or {}).get("data") or []
    said = [f"{_named(one['line'], names or {})}{one['message']}" for one in found[:MOST_ERRORS]]
    more = [f"… and {len(found) - MOST_ERRORS:,} more: torouter status {batch['id']} --json"]
    return said + (more if len(found) > MOST_ERRORS else [])


def _named(line: int | None, names: Mapping[int, str]) -> str:
    if line is None:
        return ""
    name = names.get(line, f"line-{line}")
    return f"line {line}: " if name == f"line-{line}" else f"line {line} ({name}): "


def moment(unix_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s))


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
