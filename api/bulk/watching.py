"""Wait for a batch and show how it goes: drawn anew on a terminal, a line now and then where nobody looks."""

import json
import time
from contextlib import closing
from itertools import islice
from typing import Final

from rich.console import Console
from rich.live import Live

from api.bulk import showing
from api.bulk.patience import Patience
from api.client import ENDED, Client, Json
from core.errors import TorouterError

#: Seconds between two looks.
LOOK_S: Final = 1.0

#: Seconds between two lines where there is no terminal, and where nothing has changed.
LINE_S: Final = 5.0
SAME_S: Final = 60.0


def watch(client: Client, batch: str, console: Console) -> Json:
    """The batch object once it has ended. A server that restarts meanwhile is waited for."""
    patience = Patience(lambda text: console.print(text, highlight=False, soft_wrap=True, markup=False))
    speed, lines = showing.Speed(), _Lines(console)
    with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
        while True:
            seen = patience(lambda: client.batch(batch))
            speed.look(seen)
            if console.is_terminal:
                live.update(showing.live(seen, speed), refresh=True)
            else:
                lines.show(seen, speed)
            if seen["status"] in ENDED:
                return seen
            time.sleep(LOOK_S)


def names_of_errors(client: Client, batch: Json) -> dict[int, str]:
    """Own ids of the lines that a batch failed by: those of a folder's lines say the shard, and the line there."""
    found = ((batch["errors"] or {}).get("data") or [])[: showing.MOST_ERRORS]
    wanted = {one["line"] for one in found if one["line"] is not None}
    names: dict[int, str] = {}
    try:
        with closing(client.content(str(batch["input_file_id"]))) as lines:
            for number, line in enumerate(islice(lines, max(wanted, default=0)), 1):
                if number in wanted:
                    names[number] = json.loads(line)["custom_id"]
    except (TorouterError, ValueError, KeyError, TypeError):
        pass  # the file is gone, or isn't ours: its numbers must do
    return names


class _Lines:
    """Prints one when it is time, and when the batch has ended."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._at = float("-inf")
        self._last = ""

    def show(self, batch: Json, speed: showing.Speed) -> None:
        experts = showing.by_expert(batch)
        age, is_same = time.monotonic() - self._at, showing.line(batch) == self._last
        if batch["status"] in ENDED or age >= (SAME_S if is_same else LINE_S):
            line = showing.line(batch, speed) + (f"; {experts}" if experts else "")
            self._console.print(line, highlight=False, soft_wrap=True, markup=False)
            self._at, self._last = time.monotonic(), showing.line(batch)
