"""Quality by data set and router, with intervals and reference marks."""

from collections.abc import Mapping

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from api.reports.plots.style import INK, MUTED, Look, Options, figure, legend, looks, short
from api.reports.titles import title
from router.reports import MethodReport, Report, Summary

#: Baselines drawn through all routers of a data set.
REFERENCES: dict[str, Options] = {
    "best_single": {"color": INK, "linestyle": "-", "linewidth": 1.8},
    "zero": {"color": MUTED, "linestyle": "--", "linewidth": 1.4},
    "random": {"color": MUTED, "linestyle": ":", "linewidth": 1.6},
    "quality_oracle": {"color": "#b8860b", "linestyle": "-", "linewidth": 1.8},
}
ROW, GAP = 13, 14  # points: of one router, and between two data sets
#: Points from which on the scale stands above the plot too.
TALL = 600


def draw(report: Report) -> Figure:
    """A band per data set and one for their mean, in it a point per router."""
    bands = [*report.data.datasets, None] if len(report.data.datasets) > 1 else list(report.data.datasets)
    height = max(1, len(report.routers)) * ROW + GAP  # without a router too, the baselines' lines
    made, axes = figure(len(bands) * height + 100)
    look = looks(report)
    for i, dataset in enumerate(bands):
        if i % 2:
            axes.axhspan(i * height, (i + 1) * height, color="#f6f6f6", linewidth=0, zorder=0)
        _references(axes, report, dataset, (i * height + GAP / 4, (i + 1) * height - GAP / 4))
        for j, (name, method) in enumerate(report.routers.items()):
            _point(axes, _of(method, dataset), i * height + GAP / 2 + (j + 0.5) * ROW, look[name])
    axes.set_ylim(len(bands) * height, 0)
    axes.set_yticks([(i + 0.5) * height for i in range(len(bands))], [_name(report, band) for band in bands])
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labeltop=len(bands) * height > TALL)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"Quality ({short(report.data.quality)}), with 95 % intervals")
    legend(made, [*_routers(look), *_lines(report)])
    return made


def _of(method: MethodReport, dataset: str | None) -> Summary | None:
    return method.macro if dataset is None else method.datasets.get(dataset)


def _name(report: Report, dataset: str | None) -> str:
    return "Mean of these\n(macro)" if dataset is None else f"{short(dataset, 24)}\nn = {report.data.datasets[dataset]}"


def _point(axes: Axes, summary: Summary | None, at: float, look: Look) -> None:
    if summary is None or summary.quality is None:
        return
    if summary.ci95 is not None:
        axes.plot(summary.ci95, (at, at), color=look.colour, linewidth=1.6, solid_capstyle="butt", zorder=3)
    axes.plot(summary.quality, at, look.marker, color=look.colour, markersize=6, markeredgecolor="white", zorder=4)


def _references(axes: Axes, report: Report, dataset: str | None, span: tuple[float, float]) -> None:
    for name, options in REFERENCES.items():
        summary = _of(report.baselines[name], dataset) if name in report.baselines else None
        if summary is not None and summary.quality is not None:
            at = (summary.quality, summary.quality)
            axes.plot(at, span, solid_capstyle="butt", zorder=2, **options)


def _routers(look: Mapping[str, Look]) -> list[Artist]:
    return [
        Line2D([], [], color=one.colour, marker=one.marker, markersize=6, linewidth=1.6, label=short(name))
        for name, one in look.items()
    ]


def _lines(report: Report) -> list[Artist]:
    return [
        Line2D([], [], **options, label=short(title(name, report), 36))
        for name, options in REFERENCES.items()
        if name in report.baselines
    ]
