"""Commands on the router that routes: promote, retrain."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api.cli import stores
from api.progress import Bar
from core import settings as settings_of
from core.errors import CheckpointError

if TYPE_CHECKING:
    from core.store import Store
    from workers.promotion import Gate, Promotion

err = Console(stderr=True)

Force = Annotated[bool, typer.Option("--force", help="Promote it even if it is not better; that is recorded.")]


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    app.command()(promote)
    app.command()(retrain)


def promote(
    checkpoint: Annotated[str, typer.Argument(help="Folder that `torouter train` wrote, or the id of a stored one.")],
    outcomes: Annotated[
        list[Path] | None, typer.Option(help="Outcomes file to compare on, besides the store's; repeat for several.")
    ] = None,
    quality: Annotated[
        str | None, typer.Option(help="The outcomes' column to compare by. Default: what it was trained for.")
    ] = None,
    *,
    force: Force = False,
) -> None:
    """Make a checkpoint the one that routes, if it is better; running routing workers switch within seconds.

    It has to lead the current router, by a paired 95 % interval, on the fifth of all texts that is held out for good:
    those in the store and in the files that every expert or several answered and neither router was trained on.
    The first router has nobody to lead. Exit status 1 where it is refused.
    """
    from router.outcomes import read_outcomes  # noqa: PLC0415  # numpy
    from workers.promotion import Gate  # noqa: PLC0415  # torch

    settings = settings_of.read()
    store = stores.migrated()
    rows = chain(read_outcomes(outcomes or ()), store.outcomes.every())
    promotion = _promoted(store, checkpoint, Gate(rows, settings.cache, "torouter promote", quality, force))
    if promotion.checkpoint is None:
        raise CheckpointError(
            f"{checkpoint} is not promoted: {promotion.verdict.reason}. `torouter collect` more outcomes, or --force it"
        )
    _tell(promotion)


def retrain(
    router: Annotated[str | None, typer.Option(help="Its kind. Default: TOROUTER_RETRAIN_ROUTER, or blend.")] = None,
    quality: Annotated[
        str | None, typer.Option(help="The outcomes' column to learn from. Default: TOROUTER_RETRAIN_QUALITY.")
    ] = None,
    *,
    force: Force = False,
) -> None:
    """Train on all outcomes in the store, compare with the current router, and promote the new one if it is better.

    Exit status 0 where it was compared, promoted or not.
    """
    from workers import retraining  # noqa: PLC0415  # torch

    settings = settings_of.read()
    changes = {"retrain_router": router, "retrain_quality": quality}
    settings = settings.model_copy(update={name: value for name, value in changes.items() if value})
    store = stores.migrated()
    with Bar(err, "Retraining") as bar:
        wanted = retraining.Wanted.of(settings, "torouter retrain", force=force, progress=bar.show_share)
        promotion = retraining.retrain(store, settings, wanted)
    if promotion.checkpoint is None:
        err.print(f"Not promoted: {promotion.verdict.reason}", highlight=False, soft_wrap=True)
    else:
        _tell(promotion)


def _promoted(store: "Store", checkpoint: str, gate: "Gate") -> "Promotion":
    from workers import promotion  # noqa: PLC0415  # torch

    if checkpoint.startswith("checkpoint_") and not Path(checkpoint).exists():
        return promotion.promote_again(store, checkpoint, gate)
    return promotion.promote(store, Path(checkpoint), gate)


def _tell(promotion: "Promotion") -> None:
    if (promoted := promotion.checkpoint) is None:
        return
    experts = ", ".join(promoted.experts)
    told = f"{promoted.public_id} routes now: {promoted.router} over {experts}\n{promotion.verdict.reason}"
    err.print(told, highlight=False, soft_wrap=True)
    if promoted.verdict and promoted.verdict["forced"]:
        err.print("Promoted by --force; the checkpoint's record says so.")
