"""`python -m docs.generate`: write the reference's pages, and the OpenAPI document beside them."""

from collections.abc import Iterator
from pathlib import Path

from docs.generate import catalogue, commands, http, metrics, settings, tables

REFERENCE = Path(__file__).parents[1] / "reference"


def pages() -> Iterator[tuple[Path, str]]:
    """Each page with its text."""
    yield REFERENCE / "settings.md", settings.made()
    yield REFERENCE / "catalogue.md", catalogue.made()
    yield REFERENCE / "commands.md", commands.made()
    yield REFERENCE / "http.md", http.made()
    yield REFERENCE / "tables.md", tables.made()
    yield REFERENCE / "metrics.md", metrics.made()


def main() -> None:
    REFERENCE.mkdir(exist_ok=True)
    for path, text in pages():
        path.write_text(text, encoding="utf-8")
    http.write(REFERENCE / "openapi.json")


if __name__ == "__main__":
    main()
