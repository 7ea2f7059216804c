"""How every plot looks: its size, its colours, and what tells one router from another in all of them."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from router.reports import Report

#: Keyword arguments of matplotlib's artists, which have types of their own each.
Options = dict[str, Any]  # Any: colours, widths, names

#: Points; a point of the figure is a point of its SVG, so what is measured here holds there.
WIDTH: Final = 600
POINTS_PER_INCH: Final = 72
#: Of one letter at the size of a label, on average; to guess what fits.
LETTER: Final = 6.2

#: Okabe and Ito's colours, which colour-blind people tell apart, less the yellow (too pale) and black (references).
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
#: Beyond six routers, the colours come again with another marker and line.
MARKERS: Final = ("o", "D", "^")
LINES: Final = ("-", "--", ":")
#: Paul Tol's light colours, on which black text is legible: the fills of experts.
FILLS: Final = ("#77AADD", "#EE8866", "#EEDD88", "#44BB99", "#FFAABB", "#BBCC33", "#99DDFF", "#DDDDDD")
HATCHES: Final = ("", "////", "....")
INK: Final = "#222222"
MUTED: Final = "#6b6b6b"

STYLE: Final[Any] = {  # Any: matplotlib's type lists every setting by name
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10.5,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "hatch.color": "#ffffff",
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "svg.fonttype": "none",  # text that a reader can select and whose letters the browser has
    "svg.hashsalt": "torouter",  # the same report is the same file
    "text.color": INK,
    "text.parse_math": False,  # names are not formulas
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True)
class Look:
    """What one router has in all plots."""

    colour: str
    marker: str
    line: str

    @property
    def options(self) -> Options:
        """As matplotlib's lines take it."""
        return {"color": self.colour, "marker": self.marker, "linestyle": self.line}


def looks(report: Report) -> Mapping[str, Look]:
    """Of each router, the same in every plot."""
    return looks_of(report.routers)


def looks_of(names: Iterable[str]) -> Mapping[str, Look]:
    """The same of names alone."""
    return {
        name: Look(COLOURS[i % len(COLOURS)], _cycle(MARKERS, i, COLOURS), _cycle(LINES, i, COLOURS))
        for i, name in enumerate(names)
    }


@contextmanager
def styled() -> Iterator[None]:
    """Plots made within have this module's style, whatever the user's own settings of matplotlib are."""
    with mpl.rc_context(), warnings.catch_warnings():
        # The browser has letters (Chinese, emoji) that the font which only measures here lacks.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def figure(height: float) -> tuple[Figure, Axes]:
    """An empty figure of `height` points with one pair of axes."""
    made, [axes] = panels([height])
    return made, axes


def panels(heights: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """An empty figure with panels of such heights, in points, one above the other over the same x axis."""
    size = (WIDTH / POINTS_PER_INCH, sum(heights) / POINTS_PER_INCH)
    made = Figure(figsize=size, dpi=POINTS_PER_INCH, layout="constrained")
    return made, list(made.subplots(len(heights), squeeze=False, sharex=True, height_ratios=heights)[:, 0])


def short(name: str, letters: int = 26) -> str:
    """A name on one line, with its middle left out where it is longer than that."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    if len(line) <= letters:
        return line
    tail = letters // 3
    return f"{line[: letters - 1 - tail]}…{line[-tail:]}"


def legend(made: Figure, handles: Iterable[Artist]) -> None:
    """Above the axes, in as many columns as fit."""
    entries = list(handles)
    longest = max((len(str(entry.get_label())) for entry in entries), default=0)
    columns = max(1, int(WIDTH // (longest * LETTER + 45)))
    made.legend(handles=entries, loc="outside upper left", ncols=min(columns, len(entries)), columnspacing=1.6)


def spread(values: Iterable[float]) -> bool:
    """Whether an axis of these values has to be logarithmic: they range over more than a factor of 30."""
    known = list(values)
    return min(known) > 0 and max(known) > 30 * min(known)  # as the docstring says


def logarithmic(axes: Axes, which: str) -> None:
    """Make an axis ("x" or "y") logarithmic, with plain numbers at 1, 2 and 5."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.12f}".rstrip("0").rstrip(".")))


def _cycle(values: tuple[str, ...], at: int, within: tuple[str, ...]) -> str:
    return values[at // len(within) % len(values)]
