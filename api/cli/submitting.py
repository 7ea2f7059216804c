"""Commands that submit to a server: submit, and resume for what was interrupted. HTTP only."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.bulk.options import Columns, Endpoint, Format, Options
from api.cli.clients import DEFAULT_URL, Url, Wait, connect, err, wait_for
from api.client import Client
from core.errors import InvalidInputError, NotFoundError
from router.policy import parse

if TYPE_CHECKING:
    from api.bulk.records import Submission

COLUMN = "Column, or key of JSON lines, that has the {}."


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    app.command()(submit)
    app.command()(resume)


def submit(  # noqa: PLR0917  # a command's parameters are its options
    file: Annotated[
        Path, typer.Argument(help="JSON lines, CSV or Parquet, or a folder of such files; .gz too; - reads stdin.")
    ],
    expert: Annotated[str | None, typer.Option(help="This expert answers; without it, the router chooses.")] = None,
    policy: Annotated[str | None, typer.Option(help="How the router chooses, as cost:20; see the README.")] = None,
    column: Annotated[str | None, typer.Option(help=COLUMN.format("prompts"))] = None,
    reference_column: Annotated[str | None, typer.Option(help=COLUMN.format("good answers, to score by"))] = None,
    id_column: Annotated[str | None, typer.Option(help=COLUMN.format("ids that come back with the answers"))] = None,
    dataset_column: Annotated[str | None, typer.Option(help=COLUMN.format("data set's name"))] = None,
    format_: Annotated[Format | None, typer.Option("--format", help="Of the file; without it, by its name.")] = None,
    endpoint: Annotated[
        Endpoint | None, typer.Option(help="For plain prompts: answer them as chats, or continue them.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer, where a line says nothing.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=2, help="Likewise.")] = None,
    completion_window: Annotated[str, typer.Option(help="What isn't answered by then expires: 90m, 24h, 7d.")] = "24h",
    metadata: Annotated[list[str] | None, typer.Option(help="KEY=VALUE to find the batch by; repeat for more.")] = None,
    on_invalid: Annotated[
        Literal["fail", "skip"] | None,
        typer.Option(
            help="A line that can't be taken stops all of it, or is left out; without it, as the server has it."
        ),
    ] = None,
    *,
    all_experts: Annotated[bool, typer.Option("--all-experts", help="Every expert answers every prompt.")] = False,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Submit a source of prompts, of any size, as one batch and print the batch's id.

    Lines are `{"prompt": …}` or `{"messages": […]}`, with `reference`, `dataset` and `id` where there are any; or
    OpenAI's batch requests, `{"custom_id", "method", "url", "body"}`. CSV and Parquet have such columns, or others:

        torouter submit questions.csv --column question --reference-column answer --wait

        torouter submit shards/ --expert math --max-tokens 400 --metadata run=7

        zcat prompts.jsonl.gz | torouter submit -

    Whatever interrupts it (Ctrl-C, a lost network, a restart of the server), the same command again goes on where it
    was, and so does `torouter resume`; nothing is submitted twice. What has been submitted is submitted anew.
    """
    from api.bulk import sources  # noqa: PLC0415  # each command brings its own
    from api.bulk.submitting import Submitting  # noqa: PLC0415  # as above

    options = Options(
        format=format_,
        columns=Columns(prompt=column, reference=reference_column, id=id_column, dataset=dataset_column),
        endpoint=endpoint,
        expert=expert,
        max_tokens=max_tokens,
        temperature=temperature,
        all_experts=all_experts,
        policy=None if policy is None else str(parse(policy)),
        on_invalid=on_invalid,
        completion_window=completion_window,
        metadata=_pairs(metadata or []),
    )
    source = sources.find(file, format_)
    with connect(url) as client:
        _check(client, options)
        batch = Submitting(client, err, typer.echo).submit(source, options)
        if wait:
            wait_for(client, batch)


def resume(
    which: Annotated[str | None, typer.Argument(help="What was submitted, or the key that was printed.")] = None,
    *,
    wait: Wait = False,
    forget: Annotated[bool, typer.Option("--forget", help="Drop it instead.")] = False,
    url: Annotated[str | None, typer.Option(help="Address of the server, where it has moved.")] = None,
) -> None:
    """Go on with a submission that was interrupted, and print the batch's id; without argument the only one.

    Several are listed. They are kept in TOROUTER_STATE, by default ~/.local/state/torouter.
    """
    from api.bulk.submitting import Submitting  # noqa: PLC0415  # as above

    submission = _chosen(which)
    if forget:
        with submission.locked():
            submission.forget()
        return
    with connect(url or submission.record.url) as client:
        client.models()  # says at once where nobody answers
        batch = Submitting(client, err, typer.echo).resume(submission)
        if wait:
            wait_for(client, batch)


def _check(client: Client, options: Options) -> None:
    """InvalidInputError for what would otherwise be known after hours of sending."""
    if options.expert and (options.all_experts or options.policy):
        raise InvalidInputError("--expert says who answers: leave --all-experts and --policy out")
    if options.all_experts and options.policy:
        raise InvalidInputError("--all-experts leaves nothing to choose: leave --policy out")
    known = client.models()
    if options.expert and options.expert not in known:
        raise InvalidInputError(f"--expert {options.expert}: there is none: choose one of {', '.join(known)}")


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise InvalidInputError(f"--metadata {pair}: is KEY=VALUE")
        pairs[key] = value
    return pairs


def _chosen(which: str | None) -> "Submission":
    """The only unfinished submission of that key or source."""
    from api.bulk import records  # noqa: PLC0415  # as above

    unfinished = records.unfinished()
    names = {which, None if which is None else str(Path(which).expanduser().absolute())}
    found = [one for one in unfinished if which is None or {one.record.key, one.record.source} & names]
    if len(found) == 1:
        return found[0]
    for one in found or unfinished:
        told = f"{one.record.lines:,} lines" if one.record.lines else "not converted yet"
        err.print(f"{one.record.key}  {one.record.source}  {told}", highlight=False, soft_wrap=True, markup=False)
    if found:
        raise InvalidInputError("several submissions were interrupted: name one by its key: torouter resume KEY")
    raise NotFoundError(f"nothing was interrupted{f' of {which}' if which else ''}: `torouter submit` begins anew")
