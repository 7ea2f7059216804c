"""Two experts: how much of the gap between them a share of strong calls recovers (RouteLLM, arXiv 2406.18665)."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from api.reports.plots.style import MUTED, figure, legend, looks, short
from router.reports import Report

PERCENT = ([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "20", "40", "60", "80", "100"])


def draw(report: Report) -> Figure | None:
    """A line per router above the diagonal of chance; None unless there are two experts with a gap."""
    two = report.two_experts
    if two is None or not any(point.pgr is not None for found in two.routers.values() for point in found.points):
        return None
    made, axes = figure(390 + 8 * len(two.routers))  # the legend grows with them
    axes.plot((0, 1), (0, 1), color=MUTED, linestyle="--", linewidth=1.4)
    look = looks(report)
    entries = []
    for name, found in two.routers.items():
        known = [(point.share, point.pgr) for point in found.points if point.pgr is not None]
        shares, recovered = [share for share, _ in known], [pgr for _, pgr in known]
        own = look[name].options | {"linewidth": 2, "markersize": 5, "markevery": max(1, len(known) // 10)}
        entries += axes.plot(shares, recovered, label=short(name), **own)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks(*PERCENT)
    axes.set_yticks(*PERCENT)
    axes.set_xlabel(f"Share of prompts sent to {short(two.strong)}, %")
    axes.set_ylabel("Performance gap recovered (PGR), %")
    legend(made, [*entries, Line2D([], [], color=MUTED, linestyle="--", label="Chance")])
    return made
