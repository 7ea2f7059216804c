"""Pages and tables of Markdown, as text."""

from collections.abc import Iterable, Sequence

MADE = "<!-- Made from the code by `.venv/bin/python -m docs.generate`: change it there. -->"


def page(title: str, *parts: str) -> str:
    """A page of paragraphs, tables and sections; the empty ones are left out."""
    return "\n\n".join([MADE, f"# {title}", *filter(None, parts)]) + "\n"


def section(title: str, *parts: str, level: int = 2) -> str:
    return "\n\n".join([f"{'#' * level} {title}", *filter(None, parts)])


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """One row a line; nothing where there is no row."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(heads), _line(["---"] * len(heads)), *lines]) if lines else ""


def code(text: object) -> str:
    return f"`{text}`"


def joined(*parts: str) -> str:
    """What is there of them, with semicolons."""
    return "; ".join(filter(None, parts))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"
