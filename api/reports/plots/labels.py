"""Names beside points, none over another: each is tried at places further and further from its point."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from api.reports.plots.style import MUTED, short

#: Degrees from the point, the best places first: right, left, above, below, then between them.
DIRECTIONS = (0, 180, 90, 270, 35, 325, 145, 215, 60, 300, 120, 240)
#: Points from the marker's edge; from LEADING on a line leads back to the point.
DISTANCES = (5.0, 11.0, 20.0, 32.0, 46.0, 62.0)
LEADING = 15.0
#: Under a name, so that lines do not run through its letters.
GROUND = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.5}
#: How much worse than covering something it is to leave the axes.
OUTSIDE = 3


@dataclass(frozen=True)
class Labelled:
    """A point in the axes' own units, its name, and its marker's radius in points."""

    x: float
    y: float
    name: str
    radius: float = 4
    weight: str = "normal"


def place(figure: Figure, axes: Axes, points: Sequence[Labelled]) -> None:
    """Write each point's name where it covers no marker and no other name; freezes the figure's layout."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    inside = axes.get_window_extent()
    taken = [_marker(axes, point) for point in points]
    for point in points:
        taken.append(_place(axes, point, inside, taken))


def _place(axes: Axes, point: Labelled, inside: Bbox, taken: Sequence[Bbox]) -> Bbox:
    """Write one name at the first place that is free, or where it covers least; the place."""
    size = _size(axes, point)
    x, y = axes.transData.transform((point.x, point.y))
    tried: list[tuple[float, Bbox]] = []
    for distance, degrees in product(DISTANCES, DIRECTIONS):
        box = _beside(x, y, point.radius + distance, degrees, size)
        tried.append((sum(_overlap(box, other) for other in taken) + OUTSIDE * _outside(box, inside), box))
        if not tried[-1][0]:
            break
    box = min(tried, key=lambda one: one[0])[1]
    far = math.hypot(*_gap(box, x, y)) > point.radius + LEADING
    line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": point.radius}
    axes.annotate(
        short(point.name),
        (point.x, point.y),
        (box.x0 - x, (box.y0 + box.y1) / 2 - y),
        textcoords="offset points",
        verticalalignment="center",
        fontweight=point.weight,
        bbox=GROUND,
        zorder=5,
        arrowprops=line if far else None,
    )
    return box


def _size(axes: Axes, point: Labelled) -> Bbox:
    text = axes.annotate(short(point.name), (point.x, point.y), fontweight=point.weight)
    extent = text.get_window_extent()
    text.remove()
    return extent


def _beside(x: float, y: float, distance: float, degrees: float, size: Bbox) -> Bbox:
    """A box of that size that touches the circle around the point from outside."""
    across, up = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return Bbox.from_bounds(
        x + distance * across + (across - 1) / 2 * size.width,
        y + distance * up + (up - 1) / 2 * size.height,
        size.width,
        size.height,
    )


def _gap(box: Bbox, x: float, y: float) -> tuple[float, float]:
    return max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1)


def _marker(axes: Axes, point: Labelled) -> Bbox:
    x, y = axes.transData.transform((point.x, point.y))
    return Bbox.from_extents(x - point.radius, y - point.radius, x + point.radius, y + point.radius)


def _overlap(one: Bbox, other: Bbox) -> float:
    shared = Bbox.intersection(one.padded(1), other)
    return 0.0 if shared is None else shared.width * shared.height


def _outside(box: Bbox, inside: Bbox) -> float:
    shared = Bbox.intersection(box, inside)
    return box.width * box.height - (0.0 if shared is None else shared.width * shared.height)
