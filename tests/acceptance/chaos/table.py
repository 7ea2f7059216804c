"""What was seen, for people and as JSON."""

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from core.store.failpoints import Point
from tests.acceptance.chaos.run import Outcome

console = Console(width=140)


def show(outcomes: Sequence[Outcome], hit: Counter[Point]) -> None:
    """A table of faults, one of runs, and what does not hold."""
    table = Table("fault", "times", "recovery p50", "max", title="Faults, and seconds until what they stopped went on")
    for kind, times in sorted(_by_kind(outcomes).items()):
        recovered = [one for one in times if one is not None]
        p50, most = (f"{f(recovered):.1f} s" if recovered else "" for f in (statistics.median, max))
        table.add_row(kind, str(len(times)), p50, most)
    table.add_row("a process dies at a failpoint", str(hit.total()), "", "")
    console.print(table)
    runs = Table(
        *("seed", "database", "prompts", "faults", "starts", "seconds"),
        *("tokens over one pass", "killed at half", "violations"),
        title="Runs",
    )
    for one in outcomes:
        runs.add_row(
            *(str(one.wanted.seed), one.wanted.database, f"{one.prompts:,}"),
            *(str(sum(map(len, one.faults.values()))), str(one.starts), f"{one.seconds:.0f}"),
            *(f"{tokens.passes:.3f}" if tokens.begun else "" for tokens in (one.tokens, one.half)),
            str(len(one.violations)),
        )
    console.print(runs)
    console.print(f"failpoints: {len(hit)} of {len(Point)} hit; not: {', '.join(_missed(hit)) or 'none'}")
    answers: Counter[str] = sum((one.answers for one in outcomes), Counter())
    console.print(f"answers to the load: {dict(answers.most_common())}")
    unasked: Counter[str] = sum((one.unasked for one in outcomes), Counter())
    console.print(f"processes that ended unasked: {dict(unasked.most_common()) or 'none'}")
    for one in outcomes:
        for violation in one.violations:
            console.print(f"[bold red]seed {one.wanted.seed}[/]: {violation}", highlight=False, markup=True)


def as_json(outcomes: Sequence[Outcome], hit: Counter[Point]) -> dict[str, Any]:
    return {
        "runs": [
            {
                "seed": one.wanted.seed,
                "database": one.wanted.database,
                "prompts": one.prompts,
                "seconds": round(one.seconds, 1),
                "starts": one.starts,
                "passes": one.tokens.passes,
                "passes_killed_at_half": one.half.passes,
                "faults": {kind: [happened.recovery_s for happened in all_] for kind, all_ in one.faults.items()},
                "answers": one.answers,
                "unasked": one.unasked,
                "violations": one.violations,
            }
            for one in outcomes
        ],
        "failpoints": {point: hit[point] for point in Point},
    }


def _by_kind(outcomes: Sequence[Outcome]) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for outcome in outcomes:
        for kind, times in outcome.faults.items():
            found.setdefault(kind, []).extend(one.recovery_s for one in times)
    return found


def _missed(hit: Counter[Point]) -> list[str]:
    return [point for point in Point if not hit[point]]
