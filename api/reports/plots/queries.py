"""Which share of the prompts each way of routing sends to each expert."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from api.reports.plots.style import FILLS, HATCHES, INK, LETTER, WIDTH, figure, legend, short
from api.reports.titles import title
from router.reports import MethodReport, Report

#: Baselines worth a look beside the routers.
BESIDE = ("dataset_oracle", "quality_oracle")
ROW = 40  # points
#: Of the figure's width, about what the bars have.
BARS = 0.74


def draw(report: Report) -> Figure | None:
    """A bar per router and oracle; None where no router says whom it chose."""
    methods = report.routers | {name: report.baselines[name] for name in BESIDE if name in report.baselines}
    methods = {name: method for name, method in methods.items() if method.shares}
    if not methods.keys() & report.routers.keys():
        return None
    experts = [name for name in report.experts if any(method.shares.get(name) for method in methods.values())]
    made, axes = figure(len(methods) * ROW + 60 + 22 * (1 + len(experts) // 4))
    for i, method in enumerate(methods.values()):
        _bar(axes, method, experts, i)
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_yticks(range(len(methods)), [short(title(name, report), 20) for name in methods])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", "20", "40", "60", "80", "100"])
    axes.set_xlabel("Share of the answered prompts, %")
    legend(made, [Patch(facecolor=fill(i), hatch=hatch(i), label=short(name)) for i, name in enumerate(experts)])
    return made


def fill(at: int) -> str:
    """The colour of the expert at that place."""
    return FILLS[at % len(FILLS)]


def hatch(at: int) -> str:
    """What tells it from the expert of the same colour."""
    return HATCHES[at // len(FILLS) % len(HATCHES)]


def _bar(axes: Axes, method: MethodReport, experts: list[str], at: int) -> None:
    left = 0.0
    for i, expert in enumerate(experts):
        share = method.shares.get(expert, 0.0)
        axes.barh(at, share, 0.72, left, color=fill(i), hatch=hatch(i), edgecolor="white", linewidth=1)
        _write(axes, _label(expert, share), (left + share / 2, at), i)
        left += share


def _write(axes: Axes, label: str, at: tuple[float, float], expert: int) -> None:
    """In the middle of a piece, on its plain colour where it is hatched."""
    ground = {"facecolor": fill(expert), "edgecolor": "none", "pad": 1.5} if hatch(expert) and label else None
    axes.text(*at, label, color=INK, ha="center", va="center", linespacing=1.1, bbox=ground)


def _label(expert: str, share: float) -> str:
    """As much of the name and the share as fits into the piece."""
    room = share * BARS * WIDTH / LETTER
    number = f"{100 * share:.0f}"
    if len(short(expert)) + 1 <= room:
        return f"{short(expert)}\n{number} %"
    return number if len(number) + 1 <= room else ""
