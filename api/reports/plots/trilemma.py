"""Cost, quality and throughput of routers and single experts, all three in one picture."""

import math
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from api.reports.numbers import figures
from api.reports.plots.labels import Labelled, place
from api.reports.plots.style import COLOURS, MUTED, Look, Options, figure, legend, logarithmic, looks, short, spread
from router.reports import Report

#: What may stand on the x axis, the first that is known: measure, label, and what turns its unit into the label's.
COSTS = (
    ("cost_usd_per_mtok", "Cost, US$ per 1M tokens (mean over prompts)", 1),
    ("cost_usd", "Cost, US$ per 1,000 prompts (mean)", 1000),
)
SMALLEST, LARGEST, UNKNOWN = 3.0, 11.0, 5.0  # radius in points
#: Outline of a single expert.
EXPERT = MUTED


@dataclass(frozen=True)
class _Point:
    """A router, or a single expert (no look)."""

    name: str
    cost: float
    quality: float
    throughput: float | None
    look: Look | None
    strong: bool = False


def draw(report: Report) -> Figure | None:
    """A circle per router and a grey one per expert, its area the throughput; None where no cost is known."""
    known = ((label, _points(report, measure, times)) for measure, label, times in COSTS)
    label, points = next(((label, points) for label, points in known if points), ("", []))
    if not points:
        return None
    fastest = max((point.throughput or 0 for point in points), default=0)
    made, axes = figure(420)
    for point in points:
        _circle(axes, point, _radius(point.throughput, fastest))
    if spread(point.cost for point in points):
        logarithmic(axes, "x")
    axes.margins(0.12)
    axes.set_xlabel(label)
    axes.set_ylabel(f"Quality ({short(report.data.quality)}, mean over prompts)")
    legend(made, _legend(fastest)[0 if report.routers else 1 :])
    place(made, axes, [_label(point, _radius(point.throughput, fastest)) for point in points])
    return made


def has_throughput(report: Report) -> bool:
    """Whether the areas say anything."""
    summaries = [method.micro for method in report.routers.values()] + list(report.experts.values())
    return any(one.throughput_tok_s is not None for one in summaries)


def _points(report: Report, measure: str, times: float) -> list[_Point]:
    look = looks(report)
    routers = {name: method.micro for name, method in report.routers.items()}
    return [
        _Point(name, times * cost, one.quality, one.throughput_tok_s, look.get(name), name == report.default)
        for name, one in [*routers.items(), *report.experts.items()]
        if one.quality is not None and (cost := getattr(one, measure)) is not None
    ]


def _radius(throughput: float | None, fastest: float) -> float:
    """The area is in proportion to the throughput; without any, all are small."""
    return max(SMALLEST, LARGEST * math.sqrt((throughput or 0) / fastest)) if fastest else UNKNOWN


def _circle(axes: Axes, point: _Point, radius: float) -> None:
    filled = point.look is not None
    colour = point.look.colour if point.look else EXPERT
    axes.plot(
        point.cost,
        point.quality,
        point.look.marker if point.look else "o",
        markersize=2 * radius,
        color=colour,
        alpha=0.85 if filled else 1,
        markerfacecolor=colour if filled else "#ececec",
        markeredgecolor="white" if filled else colour,
        zorder=4 if filled else 3,
    )


def _label(point: _Point, radius: float) -> Labelled:
    return Labelled(point.cost, point.quality, point.name, radius, "bold" if point.strong else "normal")


def _legend(fastest: float) -> list[Artist]:
    kinds: list[Artist] = [
        Line2D([], [], linestyle="", marker="o", markersize=9, color=COLOURS[0], label="Router"),
        _example("Single expert", 4.5),
    ]
    sizes = [_example(f"{figures(part * fastest)} tokens/s", _radius(part, 1)) for part in (0.25, 1) if fastest]
    return kinds + sizes


def _example(label: str, radius: float) -> Artist:
    look: Options = {"markerfacecolor": "#ececec", "markeredgecolor": EXPERT}
    return Line2D([], [], linestyle="", marker="o", markersize=2 * radius, label=label, **look)
