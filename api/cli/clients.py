"""Commands for those who have submitted something to a server: status, results, cancel. HTTP only."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api import output_files
from api.client import ENDED, Client, Json
from core.errors import ConflictError, InvalidInputError, TorouterError

#: Holds the server's address, where `--url` doesn't.
URL = "TOROUTER_URL"

Url = Annotated[str, typer.Option(envvar=URL, help="Address of the server.")]
Batch = Annotated[str, typer.Argument(help="The id that `torouter submit` printed.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until the batch has ended; Ctrl-C only detaches.")]

DEFAULT_URL = "http://127.0.0.1:2345"
DETACHED = 130

#: Batches that `torouter status` lists.
LISTED = 20

#: What to do about a batch that has ended without all answers.
CURES = {
    "failed": "nothing of it has run: mend those lines and submit again, or leave them out by --on-invalid skip",
    "expired": "its window has ended: `torouter results {id}` has what was answered; submit the rest again, with a "
    "longer --completion-window",
    "cancelled": "`torouter results {id}` has what was answered before",
}

#: Holds the key for a server that asks for one, since arguments are seen by everybody on the machine.
KEY = "TOROUTER_API_KEY"

err = Console(stderr=True)
screen = Console()


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    for command in (status, results, cancel):
        app.command()(command)


def status(
    batch: Annotated[
        str | None, typer.Argument(help="The id that `torouter submit` printed; without it, a list.")
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON, as the API gives it; also where output is piped.")
    ] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Show how far a batch is: its prompts, experts, tokens and cost; or the newest batches."""
    from api.bulk import showing  # noqa: PLC0415  # each command brings its own

    with connect(url) as client:
        found = client.batches(LISTED) if batch is None else client.batch(batch)
    if as_json or not screen.is_terminal:
        typer.echo(json.dumps(found, indent=2))
    else:
        screen.print(showing.newest(found) if isinstance(found, list) else showing.page(found))


def results(
    batch: Batch,
    out: Annotated[
        Path | None, typer.Option(help="File to write, JSON lines or .parquet; without it, standard output.")
    ] = None,
    errors: Annotated[
        Path | None, typer.Option(help="File for prompts that have failed, instead of among the others.")
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Write a batch's answers as JSON lines, one per prompt in the order of submission; also while it runs.

    A Parquet file has flat columns and a row per answer, so that DuckDB, pandas and Spark read it as it is. Files are
    written whole or not at all.
    """
    from api.bulk import answers  # noqa: PLC0415  # as above

    for file in filter(None, (out, errors)):
        output_files.refuse_unwritable(file)
    with connect(url) as client:
        written, failed = answers.save(client.results(batch), out, errors)
    if out is not None:
        _say(f"{written:,} results in {out}")
    if errors is not None:
        _say(f"{failed:,} errors in {errors}")


def cancel(batch: Batch, *, wait: Wait = False, url: Url = DEFAULT_URL) -> None:
    """Stop a batch: what is being answered is still answered, and nothing else of it. Again is the same."""
    with connect(url) as client:
        try:
            found = client.cancel(batch)
        except ConflictError:
            _say(f"{batch} has ended as {client.batch(batch)['status']}: there is nothing to cancel")
            return
        if wait and found["status"] not in ENDED:
            found = _watch(client, batch)
    _say(f"{batch} is {found['status']}: `torouter results {batch}` has what was answered")


def connect(url: str) -> Client:
    """The server there, with the key of the environment; InvalidInputError where that can't be one."""
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise InvalidInputError(f"{KEY}: has characters that no key has")
    return Client(url, key or None)


def wait_for(client: Client, batch: str) -> None:
    """Show progress until it has ended, and say what is wrong with the end. typer.Exit where it isn't completed."""
    from api.bulk import showing  # noqa: PLC0415  # as above
    from api.bulk.watching import names_of_errors  # noqa: PLC0415  # as above

    ended = _watch(client, batch)
    if ended["status"] != "completed":
        for line in showing.errors(ended, names_of_errors(client, ended)):
            _say(line)
        _say(f"{batch} is {ended['status']}: {CURES[ended['status']].format(id=batch)}")
        raise typer.Exit(1)
    if failed := ended["request_counts"]["failed"]:
        total = ended["request_counts"]["total"]
        _say(f"{failed:,} of {total:,} prompts failed: `torouter results {batch} --out FILE --errors FILE` says why")


def _watch(client: Client, batch: str) -> Json:
    from api.bulk.watching import watch  # noqa: PLC0415  # as above

    try:
        return watch(client, batch, err)
    except KeyboardInterrupt:
        _say(
            f"\nDetached; {batch} goes on. Come back with `torouter status {batch}` and `torouter results {batch}`, "
            f"or stop it by `torouter cancel {batch}`"
        )
        raise typer.Exit(DETACHED) from None
    except TorouterError as error:
        raise type(error)(f"{error}; {batch} goes on: `torouter status {batch}`") from error


def _say(text: str) -> None:
    err.print(text, highlight=False, soft_wrap=True, markup=False)
