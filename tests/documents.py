"""The pages of the documentation, and the blocks of code in them."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

#: A fence, as far in as the list that it is part of.
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    language: str
    text: str


def pages() -> list[Path]:
    return [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts]


def having(*languages: str) -> list[Path]:
    """The pages with blocks in one of these languages."""
    return [page for page in pages() if any(blocks(page, *languages))]


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """Those in these languages, in the order of the page; `bash` and `python` are run, `sh` isn't."""
    for _, language, text in FENCE.findall(page.read_text(encoding="utf-8")):
        if language in languages:
            yield Block(language, textwrap.dedent(text))


def name(page: Path) -> str:
    """As a test's id."""
    return str(page.relative_to(DOCS))
