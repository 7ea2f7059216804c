"""A report as a table for the terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from router.reports import MethodReport, Report, Summary

#: Heading and format of each measure, in the order of the columns.
MEASURES = (
    ("quality", "{quality}", "{:.3f}"),
    ("nll", "NLL", "{:.2f}"),
    ("throughput_tok_s", "tokens/s", "{:.1f}"),
    ("cost_usd_per_mtok", "US$ per\n1M tokens", "{:.4f}"),
    ("output_tokens", "tokens per\nanswer", "{:.0f}"),
)

#: Where the numbers of a method come from, by its name.
TITLES = {
    "zero": "Zero (mean of all experts)",
    "random": "Random",
    "best_single": "Best single expert",
    "optimal": "Optimal, per criterion",
    "quality_oracle": "Best expert per prompt",
    "dataset_oracle": "Best expert per data set",
}


def print_report(report: "Report", console: Console) -> None:
    """Experts, then routers beside their baselines; the first two with how many prompts went to each expert."""
    routed = report.routers[report.default]
    experts = _table(f"Experts on all {report.data.n} prompts", report, f"prompts routed\nby {report.default}")
    for name, summary in report.experts.items():
        experts.add_row(name, str(routed.queries.get(name, 0)), *_cells(summary))
    console.print(experts)
    methods = _table(f"Routing {report.data.n} prompts", report, "prompts")
    for name, method in report.routers.items():
        methods.add_row(f"[bold]{name} router[/]", str(method.n), *_cells(method.micro))
    for name, method in report.baselines.items():
        methods.add_row(_title(name, method), str(method.n), *_cells(method.micro))
    console.print(methods)


def _table(title: str, report: "Report", count: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column(count, justify="right")
    for _, heading, _ in MEASURES:
        table.add_column(heading.format(quality=f"{report.data.quality}\n95 % interval"), justify="right")
    return table


def _cells(summary: "Summary") -> list[str]:
    cells = []
    for name, _, form in MEASURES:
        value = getattr(summary, name)
        cells.append("-" if value is None else form.format(value))
    if summary.ci95 is not None:
        cells[0] += f"\n{summary.ci95[0]:.3f}-{summary.ci95[1]:.3f}"
    return cells


def _title(name: str, method: "MethodReport") -> str:
    title = TITLES.get(name, name)
    return f"{title}: {method.note}" if name == "best_single" and method.note else title
