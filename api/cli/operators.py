"""The operator's commands, on settings and database: migrate, experts, up, demo."""

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from api.cli import stores
from core import settings as settings_of

experts_app = typer.Typer(no_args_is_help=True, help="The experts that may answer.")

out_console, err = Console(), Console(stderr=True)


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    for command in (demo, up, migrate):
        app.command()(command)
    app.add_typer(experts_app, name="experts")


def demo() -> None:
    """Run the main job from end to end and end by itself: collect, train, route, report.

    Starts everything on this machine (four experts on vLLM take a minute or two), and stops it at the end. The
    figures are in `.torouter/demo/report.html` and `report.json`.
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
    """Bring the database's schema up to date, once it answers. Safe to run twice, and from several machines at once."""
    from api import starting  # noqa: PLC0415  # as above

    store = stores.opened()
    with starting.ending_at_once():
        starting.wait(f"the database {store.place}", store.schema.reach)
        store.schema.upgrade()
    err.print("The database is up to date.")


@experts_app.command("list")
def list_experts() -> None:
    """Show the experts that may answer, with their prices."""
    table = Table("name", "engine", "model", "adapter", "where", "US$/1M in", "US$/1M out", "context")
    for spec in stores.opened().experts.enabled().values():
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
    stores.migrated().experts.sync(specs)
    err.print(f"{len(specs)} experts: {', '.join(spec.name for spec in specs)}", highlight=False)


@experts_app.command("prepare")
def prepare_experts() -> None:
    """Convert weights and merge adapters into the cache now, so that workers start at once."""
    from experts import weights  # noqa: PLC0415  # torch

    settings = settings_of.read()
    specs = stores.opened().experts.enabled().values()
    weights.prepare_all(specs, settings.cache, lambda text: err.print(text, highlight=False))
