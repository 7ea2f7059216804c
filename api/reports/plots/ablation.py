"""What labels, training size and unknown data sets are worth, by router."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from api.reports.plots.style import MUTED, Look, Options, figure, legend, logarithmic, looks_of, short
from router.ablation import AblationReport, Cell, Study

#: Readings of the temperature that have a line of their own.
READINGS = ("multiply", "divide")


def temperature(report: AblationReport, measure: str, label: str) -> Figure | None:
    """A measure against the temperature, a line per router and reading; level lines where no temperature matters.

    None where the study was not done, or nothing is known of the measure.
    """
    cells = _cells(report, Study.LABELS, measure)
    if not any(cell.value for cell in cells):
        return None
    look = looks_of(dict.fromkeys(cell.router for cell in report.cells))
    made, axes = figure(380)
    entries: list[Artist] = []
    for router in dict.fromkeys(cell.router for cell in cells):
        mine = [cell for cell in cells if cell.router == router]
        for reading, line in zip(READINGS, ("-", "--"), strict=True):
            swept = [cell for cell in mine if cell.setting == reading]
            if swept:
                name = f"{short(router)}, {'T · q' if reading == 'multiply' else 'q / T'}"
                entries.append(_line(axes, swept, measure, Look(look[router].colour, look[router].marker, line), name))
        for cell in mine:
            if cell.value is None:
                name = f"{short(router)}, hard labels" if cell.setting == "hard" else short(router)
                style: Options = {"color": look[router].colour, "linestyle": ":" if cell.setting == "hard" else "-."}
                axes.axhline(_value(cell, measure), linewidth=1.5, **style)
                entries.append(Line2D([], [], label=name, **style))
    logarithmic(axes, "x")
    axes.set_xlabel("Temperature T of the soft labels")
    axes.set_ylabel(label)
    legend(made, entries)
    return made


def sizes(report: AblationReport) -> Figure | None:
    """Quality against the number of training prompts, with intervals."""
    cells = _cells(report, Study.SIZE, "quality")
    if not cells:
        return None
    look = looks_of(dict.fromkeys(cell.router for cell in report.cells))
    made, axes = figure(380)
    entries: list[Artist] = []
    for router in dict.fromkeys(cell.router for cell in cells):
        mine = sorted((cell for cell in cells if cell.router == router), key=lambda cell: cell.prompts)
        counts = [cell.prompts for cell in mine]
        entries += axes.plot(
            counts,
            [_value(cell, "quality") for cell in mine],
            label=short(router),
            linewidth=2,
            markersize=6,
            **look[router].options,
        )
        low, high = zip(*(cell.result.ci95 or (float("nan"),) * 2 for cell in mine), strict=True)
        axes.fill_between(counts, low, high, color=look[router].colour, alpha=0.08, linewidth=0)
    logarithmic(axes, "x")
    axes.set_xlabel("Training prompts")
    axes.set_ylabel(f"Quality ({short(report.quality)}, mean over data sets)")
    legend(made, entries)
    return made


def domains(report: AblationReport) -> Figure | None:
    """Quality on each data set by routers that have seen it (filled) and that have not (open), with intervals."""
    cells = _cells(report, Study.DOMAINS, "quality")
    if not cells:
        return None
    names = sorted({cell.dataset or "" for cell in cells})
    routers = list(dict.fromkeys(cell.router for cell in cells))
    look = looks_of(dict.fromkeys(cell.router for cell in report.cells))
    made, axes = figure(120 + len(names) * (30 + 16 * len(routers)))
    step = 0.8 / (2 * len(routers))
    for cell in cells:
        at = 2 * routers.index(cell.router) + (cell.setting == "without")
        height = names.index(cell.dataset or "") + (at - len(routers) + 0.5) * step
        _interval(axes, cell, height, look[cell.router])
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel(f"Quality ({short(report.quality)}), 95 % interval")
    entries = [_mark(look[router], short(router), filled=True) for router in routers]
    grey = Look(MUTED, "o", "")
    legend(made, [*entries, _mark(grey, "data set in training", filled=True), _mark(grey, "left out", filled=False)])
    return made


def _cells(report: AblationReport, study: Study, measure: str) -> list[Cell]:
    return [cell for cell in report.cells if cell.study is study and getattr(cell.result, measure) is not None]


def _value(cell: Cell, measure: str) -> float:
    return float(getattr(cell.result, measure))


def _line(axes: Axes, cells: Sequence[Cell], measure: str, look: Look, name: str) -> Artist:
    swept = sorted(cells, key=lambda cell: cell.value or 0)
    values = [_value(cell, measure) for cell in swept]
    (found,) = axes.plot(
        [cell.value or 0.0 for cell in swept], values, label=name, linewidth=2, markersize=5, **look.options
    )
    return found


def _interval(axes: Axes, cell: Cell, height: float, look: Look) -> None:
    fill = look.colour if cell.setting == "with" else "white"
    value = _value(cell, "quality")
    if cell.result.ci95:
        axes.plot(cell.result.ci95, [height] * 2, color=look.colour, linewidth=1.5)
    axes.plot(value, height, look.marker, color=look.colour, markerfacecolor=fill, markersize=7)


def _mark(look: Look, name: str, *, filled: bool) -> Artist:
    fill = look.colour if filled else "white"
    return Line2D(
        [], [], color=look.colour, marker=look.marker, linestyle="", markerfacecolor=fill, markersize=7, label=name
    )
