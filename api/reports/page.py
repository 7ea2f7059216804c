"""`report.html`: what `torouter evaluate` found, as one page."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from api import output_files
from api.reports import layout, summing_up, tables
from api.reports.layout import Page, Plot, Section
from api.reports.plots import costs, quality, queries, speed, strong_calls, style, trilemma
from router.reports import Report


def write(report: Report, folder: Path) -> None:
    """`report.json` and the page beside it, `report.html`; the same report gives the same files."""
    output_files.write(folder / "report.json", report.to_json())
    output_files.write(folder / "report.html", page(report))


def page(report: Report) -> str:
    """The page's HTML."""
    with style.styled():
        sections = _sections(report)
    headline, data = summing_up.headline(report), summing_up.data(report)
    title = f"Routing report: {report.default or 'every expert'}"
    return layout.html(Page(title, headline, sections, data, report.notes))


def _sections(report: Report) -> list[Section]:
    return [
        Section("Quality", (_quality(report),), (tables.methods(report), tables.differences(report))),
        Section("Who answers", (_queries(report),), (tables.experts(report),)),
        Section("What it costs", (_trilemma(report),)),
        Section("What more money buys", (_costs(report),), (summing_up.curves(report),)),
        Section("A weak and a strong expert", (_strong_calls(report),), (summing_up.two_experts(report),)),
        Section("The routers themselves", (_speed(report),), (summing_up.training(report),)),
    ]


def _plot(draw: Callable[[Report], Figure | None], report: Report, title: str, caption: str) -> Plot | None:
    return Plot.of(draw(report), title, caption)


def _quality(report: Report) -> Plot | None:
    caption = "Points are means, bars their 95 % bootstrap intervals" if report.routers else "There is no router"
    if report.baselines:
        caption += "; lines through a data set are the baselines' means"
    return _plot(quality.draw, report, "Quality by data set and router", f"{caption}.")


def _queries(report: Report) -> Plot | None:
    return _plot(queries.draw, report, "Prompts sent to each expert", "Numbers are percent of the answered prompts.")


def _trilemma(report: Report) -> Plot | None:
    apart = "" if report.baselines else " Each expert stands for those prompts that it answered."
    if not trilemma.has_throughput(report):
        return _plot(trilemma.draw, report, "Cost and quality", f"Up and to the left is better.{apart}")
    caption = f"Up and to the left is better, and a larger circle: its area is the throughput.{apart}"
    return _plot(trilemma.draw, report, "The trilemma: cost, quality and throughput", caption)


def _costs(report: Report) -> Plot | None:
    caption = "Dots are settings of the price on cost, lines the hull of each router's dots and the single experts."
    return _plot(costs.draw, report, "Quality against cost, while the price on cost is swept", caption)


def _strong_calls(report: Report) -> Plot | None:
    caption = "0 % of the gap is the weak expert alone, 100 % the strong one. Chance sends prompts there at random."
    title = "Gap recovered by a share of strong calls"
    if strong_calls.has_spending(report):
        title += ", and what it takes"
    return _plot(strong_calls.draw, report, title, caption)


def _speed(report: Report) -> Plot | None:
    caption = "Both axes are logarithmic."
    return _plot(speed.draw, report, "Time per prompt against batch size", caption)
