"""Commands for those who use a server: submit, status, results. HTTP only."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api import output_files, prompt_files
from api.client import Client, Json
from api.progress import BatchProgress
from core import settings as settings_of
from core.errors import InvalidInputError

Url = Annotated[str, typer.Option(envvar="TOROUTER_URL", help="Address of the server.")]
Batch = Annotated[str, typer.Argument(help="The id that `torouter submit` printed.")]

DEFAULT_URL = "http://127.0.0.1:2345"
DETACHED = 130

err = Console(stderr=True)


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    for command in (submit, status, results):
        app.command()(command)


def submit(
    file: Annotated[
        Path, typer.Argument(help='JSON lines of {"prompt", "reference"?, "dataset"?, "id"?}; - reads stdin.')
    ],
    expert: Annotated[str | None, typer.Option(help="This expert answers; without it, the router chooses.")] = None,
    *,
    collect: Annotated[bool, typer.Option("--all-experts", help="Every expert answers every prompt.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until the batch has ended.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Submit a file of prompts as one batch and print the batch's id.

    Ctrl-C while waiting only detaches: the batch goes on, and `torouter results` gets the answers.
    """
    bodies = [{**line.body(), **({"expert": expert} if expert else {})} for line in prompt_files.read(file)]
    _check_size(file, bodies)
    client = Client(url)
    batch = client.submit(bodies, experts="all" if collect else None)["id"]
    typer.echo(batch)
    if wait:
        with _detaching(batch), BatchProgress(err) as progress:
            client.wait(batch, progress.show_batch)


def status(batch: Batch, url: Url = DEFAULT_URL) -> None:
    """Print how far a batch is, as JSON."""
    typer.echo(json.dumps(Client(url).batch(batch), indent=2))


def results(
    batch: Batch,
    out: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Write a batch's answers as JSON lines, one per prompt in the order of submission; also while it runs."""
    lines = Client(url).results(batch)
    if out is None:
        for line in lines:
            typer.echo(line)
        return
    with output_files.replacing(out) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
    err.print(f"Results in {out}", highlight=False)


def _check_size(file: Path, bodies: list[Json]) -> None:
    """InvalidInputError where one request can't take them, by the limits that a server has by default."""
    limits = settings_of.read()
    size = len(json.dumps(bodies, ensure_ascii=False).encode())
    for count, most, unit, variable in (
        (len(bodies), limits.max_prompts, "prompts", "TOROUTER_MAX_PROMPTS"),
        (size, limits.max_body_bytes, "bytes", "TOROUTER_MAX_BODY_BYTES"),
    ):
        if count > most:
            raise InvalidInputError(
                f"{file}: {len(bodies):,} lines are {count:,} {unit}, and one request takes {most:,}: split the file "
                f"(`split -l LINES {file}`), or set {variable} here and at the server"
            )


@contextmanager
def _detaching(batch: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        err.print(f"\nDetached; the batch goes on. Come back with: torouter status {batch}, torouter results {batch}")
        raise typer.Exit(DETACHED) from None
