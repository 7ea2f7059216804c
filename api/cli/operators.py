"""The operator's commands, on settings and database: migrate, experts, collect, up, demo."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api import collecting, prompt_files
from api.progress import Bar
from core import settings as settings_of
from core.errors import InvalidInputError
from core.store import Store
from workers import app as celery_app
from workers.sending import Sender

experts_app = typer.Typer(no_args_is_help=True, help="The experts that may answer.")

out_console, err = Console(), Console(stderr=True)


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    for command in (demo, up, migrate, collect):
        app.command()(command)
    app.add_typer(experts_app, name="experts")


def demo() -> None:
    """Run the main job from end to end and end by itself: collect, train, route, report.

    Starts everything on this machine (four experts on vLLM take a minute or two), and stops it at the end. The
    figures are in `.torouter/demo/report.json`.
    """
    from api.demo import run  # noqa: PLC0415  # the whole system

    run(settings_of.read(), err, out_console)


def up() -> None:
    """Run the whole system on this machine until Ctrl-C.

    Where no router has been promoted yet, it first collects outcomes and trains one as the demo does.
    """
    from api.up import run  # noqa: PLC0415  # the whole system

    run(settings_of.read(), err)


def migrate() -> None:
    """Bring the database's schema up to date. Safe to run twice, and from several machines at once."""
    store = _store()
    store.schema.upgrade()
    err.print("The database is up to date.")


def collect(
    file: Annotated[
        Path | None,
        typer.Argument(help='JSON lines of {"prompt": …, "reference"?, "dataset"?}; - reads stdin.'),
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Outcomes file to write.")],
    experts: Annotated[str, typer.Option(help="`all`, or names with commas between them.")] = "all",
    batch: Annotated[str | None, typer.Option(help="Go on waiting for this batch instead of submitting anew.")] = None,
) -> None:
    """Let every expert answer every prompt, and write what routers learn from. Ctrl-C detaches."""
    from router.outcomes import write_outcomes  # noqa: PLC0415  # numpy

    _check_writable(out)
    store = _store()
    store.schema.check()
    if batch is None:
        batch = _submit(store, file, experts)
        err.print(f"The batch is {batch}", highlight=False)
    try:
        with Bar(err, "Collecting") as bar:
            collecting.wait(
                store,
                batch,
                lambda seen: bar.show(seen.done + seen.failed, seen.total, f"{seen.output_tokens:,} tokens"),
            )
    except KeyboardInterrupt:
        err.print(f"\nDetached; the batch goes on. Come back with --batch {batch}")
        raise
    try:
        count = write_outcomes(out, collecting.outcomes(store, batch))
    except OSError as error:
        raise InvalidInputError(f"--out {out}: {error.strerror}: mend that, then --batch {batch}") from error
    err.print(f"{count} prompts with outcomes in {out}", highlight=False)


@experts_app.command("list")
def list_experts() -> None:
    """Show the experts that may answer, with their prices."""
    table = Table("name", "engine", "model", "adapter", "where", "US$/1M in", "US$/1M out", "context")
    for spec in _store().experts.enabled().values():
        prices = (f"{spec.price_in_usd_per_mtok:g}", f"{spec.price_out_usd_per_mtok:g}")
        adapter = Path(spec.adapter).name if spec.adapter else "-"
        table.add_row(spec.name, spec.engine, spec.model, adapter, spec.location, *prices, str(spec.context_tokens))
    out_console.print(table)


@experts_app.command("load")
def load_experts() -> None:
    """Make the experts table say what the catalogue (TOROUTER_CATALOGUE) says."""
    from experts import catalogue  # noqa: PLC0415  # as above

    settings = settings_of.read()
    specs = catalogue.load(settings.catalogue or catalogue.SHIPPED)
    store = _store()
    store.schema.check()
    store.experts.sync(specs)
    err.print(f"{len(specs)} experts: {', '.join(spec.name for spec in specs)}", highlight=False)


@experts_app.command("prepare")
def prepare_experts() -> None:
    """Convert weights and merge adapters into the cache now, so that workers start at once."""
    from experts import weights  # noqa: PLC0415  # torch

    settings = settings_of.read()
    specs = Store.of(settings).experts.enabled().values()
    weights.prepare_all(specs, settings.cache, lambda text: err.print(text, highlight=False))


def _check_writable(out: Path) -> None:
    """InvalidInputError now, rather than after hours of work."""
    if out.is_dir() or not os.access(out if out.exists() else out.parent, os.W_OK):
        raise InvalidInputError(f"--out {out}: can't be written: name a file in a folder that exists and is yours")


def _submit(store: Store, file: Path | None, experts: str) -> str:
    if file is None:
        raise InvalidInputError("nothing to collect: give a FILE of prompts, or --batch to go on with one")
    prompts = [line.new_prompt() for line in prompt_files.read(file)]
    return collecting.submit(store, _sender(store), prompts, collecting.chosen_experts(store, experts))


def _store() -> Store:
    return Store.of(settings_of.read())


def _sender(store: Store) -> Sender:
    settings = settings_of.read()
    return Sender(celery_app.create(settings), store.recovery, settings)
