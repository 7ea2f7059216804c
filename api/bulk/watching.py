"""Wait for a batch and show how it goes: drawn anew on a terminal, a line now and then where nobody looks."""

import time
from typing import Final

from rich.console import Console
from rich.live import Live

from api.bulk import showing
from api.bulk.patience import Patience
from api.client import ENDED, Client, Json

#: Seconds between two looks, and between two lines where there is no terminal.
LOOK_S: Final = 1.0
LINE_S: Final = 5.0


def watch(client: Client, batch: str, console: Console) -> Json:
    """The batch object once it has ended. A server that restarts meanwhile is waited for."""
    patience = Patience(lambda text: console.print(text, highlight=False, soft_wrap=True, markup=False))
    speed, next_line, last = showing.Speed(), 0.0, ""
    with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
        while True:
            seen = patience(lambda: client.batch(batch))
            speed.look(seen)
            has_ended = seen["status"] in ENDED
            if console.is_terminal:
                live.update(showing.live(seen, speed), refresh=True)
            elif (has_ended or time.monotonic() >= next_line) and (line := _line(seen, speed)) != last:
                console.print(line, highlight=False, soft_wrap=True, markup=False)
                next_line, last = time.monotonic() + LINE_S, line
            if has_ended:
                return seen
            time.sleep(LOOK_S)


def _line(batch: Json, speed: showing.Speed) -> str:
    experts = showing.by_expert(batch)
    return showing.line(batch, speed) + (f"; {experts}" if experts else "")
