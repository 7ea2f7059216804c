"""A report as a table for the terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from api.reports.titles import title

if TYPE_CHECKING:
    from router.reports import Report, Summary

#: Heading and format of each measure, in the order of the columns. All fit into 80 characters.
MEASURES = (
    ("quality", "{quality}\n95 % interval", "{:.3f}"),
    ("nll", "NLL", "{:.2f}"),
    ("throughput_tok_s", "tokens/s", "{:.1f}"),
    ("cost_usd_per_mtok", "US$ per\n1M tok.", "{:.4f}"),
    ("output_tokens", "tokens", "{:.0f}"),
)


def print_report(report: "Report", console: Console) -> None:
    """Experts, then routers beside their baselines; tokens and tokens/s are those of one answer."""
    queries = report.routers[report.default].queries if report.default else {}
    experts = _table(f"Every expert on the same {report.data.n} prompts", report)
    experts.add_column(f"routed by\n{report.default or 'nobody'}", justify="right")
    for name, summary in report.experts.items():
        experts.add_row(name, *_cells(summary), str(queries.get(name, 0)))
    console.print(experts)
    methods = _table(f"Ways of routing these {report.data.n} prompts", report)
    for name, method in report.routers.items():
        methods.add_row(f"[bold]{name} router[/]", *_cells(method.micro))
    for name, method in (report.baselines | report.controls).items():
        methods.add_row(title(name, report), *_cells(method.micro))
    console.print(methods)


def _table(heading: str, report: "Report") -> Table:
    table = Table(title=heading, title_justify="left")
    table.add_column("")
    for _, column, _ in MEASURES:
        table.add_column(column.format(quality=report.data.quality), justify="right", no_wrap=True)
    return table


def _cells(summary: "Summary") -> list[str]:
    cells = []
    for name, _, form in MEASURES:
        value = getattr(summary, name)
        cells.append("-" if value is None else form.format(value))
    if summary.ci95 is not None:
        cells[0] += f"\n{summary.ci95[0]:.3f}-{summary.ci95[1]:.3f}"
    return cells
