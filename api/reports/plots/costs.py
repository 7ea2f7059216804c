"""Cost against quality while the price on cost is swept (RouterBench, arXiv 2403.12031)."""

from collections.abc import Mapping

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from api.reports.plots.labels import Labelled, place
from api.reports.plots.style import INK, MUTED, Look, Options, figure, legend, logarithmic, looks, short, spread
from api.reports.titles import title
from router.reports import Curve, Point, Report

#: US$ of one call to US$ of this many.
CALLS = 1000
#: Of the curves that are no router's.
BOUNDS = {"utility_oracle": Look(INK, "x", "--"), "experts": Look(MUTED, "s", ":")}
EXPERT: Options = {"marker": "s", "linestyle": "", "markersize": 7, "color": "#ececec", "markeredgecolor": MUTED}


def draw(report: Report) -> Figure | None:
    """A hull and its points per router, and the single experts; None where there is no curve."""
    if not report.curves:
        return None
    look = _looks(report)
    made, axes = figure(400 + 8 * len(report.curves))  # the legend grows with them
    for name, curve in report.curves.items():
        _curve(axes, curve, look[name])
    experts = _experts(report)
    for point in experts:
        axes.plot(point.x, point.y, **EXPERT, zorder=5)
    if spread(CALLS * point.cost_usd for curve in report.curves.values() for point in curve.points):
        logarithmic(axes, "x")
    axes.margins(0.1)
    axes.set_xlabel("Cost, US$ per 1,000 prompts (mean over data sets)")
    axes.set_ylabel(f"Quality ({short(report.data.quality)}, mean over data sets)")
    legend(made, _legend(report))
    place(made, axes, experts)
    return made


def _looks(report: Report) -> Mapping[str, Look]:
    return {**looks(report), **BOUNDS}


def _curve(axes: Axes, curve: Curve, look: Look) -> None:
    swept = [point for point in curve.points if point.expert is None]
    dots: Options = {"markersize": 3.5, "linestyle": "", "alpha": 0.45, "zorder": 3}
    axes.plot(_costs(swept), [point.quality for point in swept], look.marker, color=look.colour, **dots)
    line: Options = {"linestyle": look.line, "linewidth": 2, "zorder": 4}
    axes.plot(_costs(curve.hull), [point.quality for point in curve.hull], color=look.colour, **line)


def _costs(points: list[Point]) -> list[float]:
    return [CALLS * point.cost_usd for point in points]


def _experts(report: Report) -> list[Labelled]:
    """The single experts, each once: every curve starts from the same ones."""
    found = {point.expert: point for curve in report.curves.values() for point in curve.points if point.expert}
    return [Labelled(CALLS * point.cost_usd, point.quality, name) for name, point in found.items()]


def _legend(report: Report) -> list[Artist]:
    look = _looks(report)
    lines: list[Artist] = [
        Line2D([], [], markersize=5, linewidth=2, label=short(title(name, report)), **look[name].options)
        for name in report.curves
    ]
    return [*lines, Line2D([], [], label="Single expert", **EXPERT)]
