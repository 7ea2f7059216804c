"""Time of one prompt in the router against the size of the batch that it comes in."""

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from api.reports.plots.style import figure, legend, logarithmic, looks, short
from router.reports import Report


def draw(report: Report) -> Figure | None:
    """A line per router; None where nothing was timed."""
    if not report.speed:
        return None
    made, axes = figure(370 + 8 * len(report.speed))  # the legend grows with them
    look = looks(report)
    entries = []
    for name, times in report.speed.items():
        sizes, each = [one.batch for one in times], [one.ms_per_prompt for one in times]
        entries += axes.plot(sizes, each, label=short(name), linewidth=2, markersize=6, **look[name].options)
    logarithmic(axes, "x")
    logarithmic(axes, "y")
    batches = sorted({one.batch for times in report.speed.values() for one in times})
    axes.xaxis.set_major_locator(FixedLocator(batches))
    axes.set_xlabel("Prompts in one call of predict")
    axes.set_ylabel("Time, ms per prompt")
    legend(made, entries)
    return made
