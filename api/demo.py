"""`torouter demo`: the main job from end to end on real engines, and a report of what routing was worth."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from api import first_router, prompt_files
from api.client import Client
from api.progress import BatchProgress
from api.reports.terminal import print_report
from api.up import Running, running
from core.errors import NotReadyError
from core.schemas.keys import NewKey, digest_of, new_secret
from core.settings import Settings
from core.store.outcomes import outcome
from core.tables import LOCAL, State

#: Seconds that the key of a demo lasts, should nothing of it be left to revoke it.
LONGEST_S = 6 * 3600.0


def run(settings: Settings, err: Console, out: Console) -> None:
    """Start, collect, train, route, report, stop. NotReadyError where a prompt was not answered."""
    from api.reports import page  # noqa: PLC0415  # matplotlib

    folder = settings.home / "demo"
    with running(settings, err) as up:
        first_router.make(up)
        sampling = first_router.SAMPLING.model_dump(exclude_none=True)
        bodies = [line.body() | sampling for line in prompt_files.read(first_router.PROMPTS / "route.jsonl")]
        with _key(up) as key, Client(up.url, key) as client:
            routed: str = client.submit(bodies, **{"class": "bulk"})["id"]
            every: str = client.submit(bodies, experts="all", **{"class": "bulk"})["id"]
            _wait(up, client, "Routing other prompts", routed)
            _wait(up, client, "The same ones by every expert, to compare", every)
            _save_answers(client, routed, folder / "answers.jsonl")
        report = _report(up, routed, every)
    page.write(report, folder)
    print_report(report, out)
    err.print(
        f"Report: {folder / 'report.html'} and report.json; answers: {folder / 'answers.jsonl'}",
        highlight=False,
        soft_wrap=True,
    )


@contextmanager
def _key(up: Running) -> Iterator[str | None]:
    """A key of our own for as long, where the API asks for one."""
    if up.settings.open:
        yield None
        return
    secret = new_secret()
    made = up.store.keys.create(NewKey("torouter-demo", owner=LOCAL, expires_in_s=LONGEST_S), digest_of(secret))
    try:
        yield secret
    finally:
        up.store.keys.revoke(made.id)


def _wait(up: Running, client: Client, title: str, batch: str) -> None:
    with BatchProgress(up.console, title) as bar:

        def progress(seen: Any) -> None:  # Any: JSON
            up.supervisor.poll()
            bar.show_batch(seen)

        ended = client.wait(batch, progress)
    if failed := ended["request_counts"]["failed"]:
        raise NotReadyError(f"{failed} prompts of {batch} failed: see {up.settings.home / 'logs'}")


def _save_answers(client: Client, batch: str, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in client.results(batch))


def _report(up: Running, routed: str, every: str) -> Any:  # Any: router.reports.Report, imported below
    """What the routed run itself measured, beside what every expert made of the same prompts."""
    from router.evaluation import Evaluation, Routed, evaluate  # noqa: PLC0415  # numpy

    rows = {row.id: row for row in up.store.outcomes.of_batch(every, LOCAL)}
    answers = {
        view.custom_id: view.generations[0]
        for page in up.store.prompts.of_batch(routed, LOCAL)
        for view in page
        if view.generations and view.generations[0].state == State.DONE
    }
    found = [answers.get(name) for name in rows]
    method = Routed(
        choices=[None if one is None else one.expert for one in found],
        outcomes=[None if one is None else outcome(one) for one in found],
        note="as measured in the routed run",
    )
    return evaluate(list(rows.values()), {"bert": method}, Evaluation(quality="bertsim", default="bert"))
