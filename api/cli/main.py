"""The commands' tree, and the outermost loop: our errors become one line and an exit status."""

import importlib.metadata
import logging
import os
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from api import logs
from api.cli import clients, keys, learning, operators, outcomes, routers, serving, submitting
from api.redacting import known_settings, redact_logs
from core.errors import ConfigError, InvalidInputError, TorouterError
from core.settings import FAILPOINT, Settings

log = logging.getLogger("torouter")

#: Exit statuses: what was asked can't be done (EX_USAGE's neighbour 1), wrong input or settings (2), Ctrl-C (130).
FAILED, WRONG, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="torouter",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""
    Submit prompts in bulk; each is routed to the expert LLM that is expected to answer it best.

    **Use a server:** submit, resume, status, results, cancel. **Run one:** demo, up, or serve + work + flower one by
    one; migrate, experts, keys. **Make outcomes:** prompts, collect, outcomes. **Learn from outcomes files:** train,
    evaluate, ablate. **Replace the router:** promote, retrain, beat. Settings are environment variables, `TOROUTER_…`;
    data lives in `.torouter` (`TOROUTER_HOME`).
    """,
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it so
    if wanted:
        typer.echo(importlib.metadata.version("torouter"))
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of no command."""


submitting.add(app)
clients.add(app)
operators.add(app)
keys.add(app)
outcomes.add(app)
serving.add(app)
learning.add(app)
routers.add(app)


def main() -> NoReturn:
    """Run one command and exit: 0 done, 1 it failed, 2 wrong input or settings, 130 Ctrl-C."""
    settings = known_settings()
    logs.start(settings.log_format)
    redacting = redact_logs(settings)
    logs.catch_crashes(settings.log_format)
    try:
        _arm(os.environ.get(FAILPOINT, ""))
        app()
    except (InvalidInputError, ConfigError) as error:
        _fail(redacting.clean(str(error)), WRONG, settings)
    except TorouterError as error:
        _fail(redacting.clean(str(error)), FAILED, settings)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(0)


def _arm(point: str) -> None:
    """Make this process kill itself there, for a fault test; commands over HTTP load no SQL for it."""
    if point:
        from core.store import failpoints  # noqa: PLC0415  # SQLAlchemy

        failpoints.arm(point)


def _fail(told: str, status: int, settings: Settings) -> NoReturn:
    if settings.log_format == "json":
        log.critical("%s", told)
        sys.exit(status)
    Console(stderr=True).print(f"[bold red]torouter:[/] {escape(told)}", highlight=False, soft_wrap=True)
    sys.exit(status)
