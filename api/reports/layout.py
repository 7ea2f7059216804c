"""A page that needs nothing else, neither a script nor another file: sections of plots and tables, laid out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from api.reports.plots import svg
from api.reports.tables import Table

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Plot:
    """A picture, what it shows, and how to read it."""

    title: str
    svg: Markup
    caption: str

    @classmethod
    def of(cls, figure: Figure | None, title: str, caption: str) -> "Plot | None":
        """The plot of a figure; None where there is none to draw."""
        return None if figure is None else cls(title, Markup(svg.svg(figure, title)), caption)  # noqa: S704  # escaped there


@dataclass(frozen=True)
class Section:
    """A part of the page: plots, then tables; without either it is left out."""

    title: str
    plots: tuple[Plot | None, ...] = ()
    tables: tuple[Table | None, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not any((*self.plots, *self.tables))


@dataclass(frozen=True)
class Page:
    """All of it; `data` says by name how to make the numbers again, `notes` what to know before reading them."""

    title: str
    headline: Sequence[str]
    sections: Sequence[Section]
    data: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()


def html(page: Page) -> str:
    """The page's HTML. Every name in it is text, whatever characters it holds."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [section for section in page.sections if not section.empty]
    return environment.get_template("page.html").render(page=page, sections=sections)
