"""`report.html`: a report as one page that needs nothing else, neither a script nor another file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from api.reports import summing_up, tables
from api.reports.plots import costs, quality, queries, speed, strong_calls, style, svg, trilemma
from api.reports.tables import Table
from router.reports import Report

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Plot:
    """A picture, what it shows, and how to read it."""

    title: str
    svg: Markup
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of the page: plots, then tables; without either it is left out."""

    title: str
    plots: tuple[Plot | None, ...] = ()
    tables: tuple[Table | None, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not any((*self.plots, *self.tables))


def write_page(report: Report, path: Path) -> None:
    """Write the page of a report; the same report gives the same file."""
    path.write_text(page(report), encoding="utf-8")


def page(report: Report) -> str:
    """The page's HTML. Every name in it is text, whatever characters it holds."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    with style.styled():
        sections = [section for section in _sections(report) if not section.empty]
    return environment.get_template("page.html").render(
        report=report, headline=summing_up.headline(report), sections=sections, data=summing_up.data(report)
    )


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
    figure = draw(report)
    return None if figure is None else Plot(title, Markup(svg.svg(figure, title)), caption)  # noqa: S704  # escaped there


def _quality(report: Report) -> Plot | None:
    caption = (
        "Points are means, bars their 95 % bootstrap intervals; lines through a data set are the baselines' means."
    )
    return _plot(quality.draw, report, "Quality by data set and router", caption)


def _queries(report: Report) -> Plot | None:
    return _plot(queries.draw, report, "Prompts sent to each expert", "Numbers are percent of the answered prompts.")


def _trilemma(report: Report) -> Plot | None:
    if not trilemma.has_throughput(report):
        return _plot(trilemma.draw, report, "Cost and quality", "Up and to the left is better.")
    caption = "Up and to the left is better, and a larger circle: its area is the throughput."
    return _plot(trilemma.draw, report, "The trilemma: cost, quality and throughput", caption)


def _costs(report: Report) -> Plot | None:
    caption = "Dots are settings of the price on cost, lines the hull of each router's dots and the single experts."
    return _plot(costs.draw, report, "Quality against cost, while the price on cost is swept", caption)


def _strong_calls(report: Report) -> Plot | None:
    caption = "0 % of the gap is the weak expert alone, 100 % the strong one. Chance sends prompts there at random."
    return _plot(strong_calls.draw, report, "Gap recovered by a share of strong calls", caption)


def _speed(report: Report) -> Plot | None:
    caption = "Both axes are logarithmic."
    return _plot(speed.draw, report, "Time per prompt against batch size", caption)
