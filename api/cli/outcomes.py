"""Phase 1's commands, from prompts to what routers learn from: prompts, collect, outcomes."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from api import output_files, prompt_files, prompt_sets
from api.cli import stores
from api.progress import Bar
from core import settings as settings_of
from core.errors import InvalidInputError
from core.schemas.outcomes import OutcomeRow

if TYPE_CHECKING:
    from api.collecting import Collection, Request
    from core.store import Store

outcomes_app = typer.Typer(no_args_is_help=True, help="What experts made of prompts: what routers learn from.")

err = Console(stderr=True)

#: For people who can't know that there is more than the two they may want.
HELD_OUT = "Of the share that is held out for good, by a hash of each text: `only` it, all `without` it, or `all`."


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    app.command(no_args_is_help=True)(prompts)
    app.command()(collect)
    app.add_typer(outcomes_app, name="outcomes")


def prompts(  # noqa: PLR0917  # a command's parameters are its options
    names: Annotated[list[str], typer.Argument(help=f"Data sets: {', '.join(prompt_sets.NAMES)}.")],
    split: Annotated[list[str] | None, typer.Option(help="Split; repeat for several. Default: train.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="So many rows of each data set; default: all.")] = None,
    without: Annotated[
        list[Path] | None, typer.Option(help="JSON list of ids to leave out; repeat for several.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws which rows come first; the same seed, the same rows.")] = 0,
    out: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
) -> None:
    """Write prompts with references of the paper's data sets, for `torouter collect` and `torouter submit`.

    They come from `$TOROUTER_DATA/prompts` where TOROUTER_DATA is set, otherwise from the Hugging Face hub
    (`pip install 'torouter[datasets]'`). Example: 380 rows of ARC, but none that an adapter was tuned on:

        torouter prompts arc_challenge --split train --split validation --count 380 --without tuned.json --out arc.jsonl
    """
    if out is not None:
        output_files.refuse_unwritable(out)
    data, left_out = settings_of.read().data, frozenset(chain(*map(prompt_sets.read_ids, without or ())))
    rows = [
        row
        for name in dict.fromkeys(names)
        for row in prompt_sets.pick(prompt_sets.load(name, split or ["train"], data), left_out, count, seed)
    ]
    if out is None:
        for row in rows:
            typer.echo(row.to_json())
        return
    with output_files.replacing(out) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(row.to_json() + "\n" for row in rows)
    err.print(f"{len(rows)} prompts in {out}", highlight=False)


def collect(
    file: Annotated[
        Path | None,
        typer.Argument(help='JSON lines of {"prompt": …, "reference"?, "dataset"?}; - reads stdin.'),
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Outcomes file to write.")],
    experts: Annotated[str, typer.Option(help="`all`, or names with commas between them.")] = "all",
    batch: Annotated[str | None, typer.Option(help="Go on waiting for this batch instead of submitting.")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Ask again what an earlier run has asked.")] = False,
) -> None:
    """Let every expert answer every prompt, and write what routers learn from.

    Ctrl-C detaches. The same command again, after whatever ended it, goes on with the batch that it had submitted,
    and asks again for the answers that failed.
    """
    from api import collecting  # noqa: PLC0415  # SQL

    output_files.refuse_unwritable(out)
    store = stores.migrated()
    request = _request(store, file, experts) if batch is None else None
    again = f"--batch {batch}" if request is None else "the same command again"
    try:
        collection = _begin(store, request, anew=anew) if request else collecting.Collection((), (str(batch),))
        with Bar(err, "Collecting") as bar:

            def progress(seen: collecting.Seen) -> None:
                bar.show(seen.ended, seen.total, f"{seen.output_tokens:,} tokens")

            collecting.wait(store, collection.batches, progress)
    except KeyboardInterrupt:
        err.print(f"\nDetached; what was submitted goes on. Come back with {again}", highlight=False)
        raise
    _write(out, collecting.outcomes(store, collection.batches), again)
    if request is not None and (lacking := collecting.unanswered(store, request, collection)):
        counts = ", ".join(f"{number} of {expert}" for expert, number in lacking.items())
        err.print(f"Answers are missing: {counts}. Ask for them again with {again}", highlight=False)


@outcomes_app.command("export")
def export(  # noqa: PLR0917  # a command's parameters are its options
    out: Annotated[Path, typer.Option(help="Outcomes file to write.")],
    batch: Annotated[list[str] | None, typer.Option(help="Only of this batch; repeat for several.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Only of this data set; repeat for several.")] = None,
    quality: Annotated[str | None, typer.Option(help="Only outcomes that carry this column, as bertsim.")] = None,
    held_out: Annotated[Literal["all", "only", "without"], typer.Option(help=HELD_OUT)] = "all",
    share: Annotated[float, typer.Option(min=0, max=1, help="The share that is held out.")] = 0.2,
) -> None:
    """Write what the store has learned as an outcomes file, for `torouter train` and `torouter evaluate`.

    All answered prompts, routed ones too. Prompts of the same text (case and white space aside) are one row, and
    an expert's first outcome on it counts: name the batches where an expert's model has changed under its name.
    """
    from api.exporting import Selection, select  # noqa: PLC0415  # numpy
    from core.tables import LOCAL  # noqa: PLC0415  # SQL

    output_files.refuse_unwritable(out)
    store = stores.migrated()
    for name in batch or ():
        store.batches.get(name, LOCAL)
    wanted = Selection(frozenset(dataset or ()), quality, held_out, share)
    found = chain.from_iterable(store.outcomes.of_batch(name, LOCAL) for name in batch) if batch else None
    _write(out, select(found or store.outcomes.every(), wanted))


@outcomes_app.command("split")
def split(
    files: Annotated[list[Path], typer.Argument(help="Outcomes files (JSON lines).")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for train.jsonl and test.jsonl.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the texts, to test on.")] = 0.2,
) -> None:
    """Split outcomes into what to train on and what to test on, for `torouter evaluate`.

    By a hash of each text (case and white space aside), so the same text is always on the same side, and with the
    share of 0.2 the test file holds what `torouter train` never trains on. Files that are there are not replaced.
    """
    from router.datasets import is_held_out  # noqa: PLC0415  # numpy
    from router.outcomes import read_outcomes  # noqa: PLC0415  # as above

    train, test = out / "train.jsonl", out / "test.jsonl"
    if train.exists() or test.exists():
        raise InvalidInputError(f"--out {out}: {train.name} or {test.name} is there already: name another folder")
    rows = read_outcomes(files)
    parts: dict[Path, list[OutcomeRow]] = {train: [], test: []}
    for row in rows:
        parts[test if is_held_out(row.prompt, share) else train].append(row)
    for path, found in parts.items():
        if not found:
            raise InvalidInputError(f"--share {share:g} of {len(rows)} rows leaves none in {path.name}: take another")
    output_files.make_folder(out)
    for path, found in parts.items():
        _write(path, found)


def _request(store: "Store", file: Path | None, experts: str) -> "Request":
    """The whole file is read and checked before anything is stored."""
    from api.collecting import Request, chosen_experts  # noqa: PLC0415  # as above

    if file is None:
        raise InvalidInputError("nothing to collect: give a FILE of prompts, or --batch to go on with one")
    lines = tuple(line.new_prompt() for line in prompt_files.read(file))
    return Request(lines, chosen_experts(store, experts))


def _begin(store: "Store", request: "Request", *, anew: bool) -> "Collection":
    from api import collecting  # noqa: PLC0415  # as above
    from workers import app as celery_app  # noqa: PLC0415  # as above
    from workers.sending import Sender  # noqa: PLC0415  # as above

    settings = settings_of.read()
    sender = Sender(celery_app.create(settings), store.recovery, settings)
    collection = collecting.begin(store, sender, request, anew=anew)
    err.print(str(collection), highlight=False, soft_wrap=True)
    return collection


def _write(out: Path, rows: Sequence[OutcomeRow], again: str = "the same command again") -> None:
    from router.outcomes import write_outcomes  # noqa: PLC0415  # numpy

    with output_files.replacing(out, again) as part:
        count = write_outcomes(part, rows)
    err.print(f"{count} prompts with outcomes in {out}", highlight=False)
