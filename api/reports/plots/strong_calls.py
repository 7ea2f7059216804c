"""Two experts: what a share of strong calls takes, and recovers of their gap (RouteLLM, arXiv 2406.18665)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from api.reports.plots.style import MUTED, Options, legend, looks, panels, short
from router.reports import Report, SharePoint, StrongCalls

PERCENT = ([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "20", "40", "60", "80", "100"])
CHANCE: Final[Options] = {"color": MUTED, "linestyle": "--", "linewidth": 1.4}


@dataclass(frozen=True)
class _Panel:
    """Something about the points over the share of strong calls."""

    label: str
    of: Callable[[SharePoint], float | None]
    times: float = 1  # what turns its unit into the label's

    def line(self, found: StrongCalls) -> tuple[list[float], list[float]]:
        """Shares and values, where known."""
        known = [(point.share, self.times * value) for point in found.points if (value := self.of(point)) is not None]
        return [share for share, _ in known], [value for _, value in known]


GAP: Final = _Panel("Performance gap recovered (PGR), %", lambda point: point.pgr)
SPENT: Final = (
    _Panel("US$ per 1,000 prompts", lambda point: point.cost_usd, times=1000),
    _Panel("Inference, s per prompt", lambda point: point.latency_s),
)


def draw(report: Report) -> Figure | None:
    """A line per router above the diagonal of chance, and what its share takes; None unless two experts differ."""
    two = report.two_experts
    if two is None or not _known(GAP, two.routers):
        return None
    spent = [panel for panel in SPENT if _known(panel, two.routers)]
    made, [gap, *others] = panels([390 + 8 * len(two.routers), *(170 for _ in spent)])  # the legend grows with them
    gap.plot((0, 1), (0, 1), **CHANCE)
    entries = _lines(gap, GAP, report, two.routers)
    gap.set_xlim(-0.02, 1.02)
    gap.set_xticks(*PERCENT)
    gap.set_yticks(*PERCENT)
    for axes, panel in zip(others, spent, strict=True):
        _lines(axes, panel, report, two.routers)
        axes.set_ylim(bottom=0)
    [gap, *others][-1].set_xlabel(f"Share of prompts sent to {short(two.strong)}, %")
    legend(made, [*entries, Line2D([], [], label="Chance", **CHANCE)])
    return made


def has_spending(report: Report) -> bool:
    """Whether there is more than the gap to see."""
    return report.two_experts is not None and any(_known(panel, report.two_experts.routers) for panel in SPENT)


def _known(panel: _Panel, routers: Mapping[str, StrongCalls]) -> bool:
    return any(panel.line(found)[0] for found in routers.values())


def _lines(axes: Axes, panel: _Panel, report: Report, routers: Mapping[str, StrongCalls]) -> list[Line2D]:
    look = looks(report)
    entries = []
    for name, found in routers.items():
        shares, values = panel.line(found)
        own = look[name].options | {"linewidth": 2, "markersize": 5, "markevery": max(1, len(shares) // 10)}
        entries += axes.plot(shares, values, label=short(name), **own)
    axes.set_ylabel(panel.label)
    return entries
