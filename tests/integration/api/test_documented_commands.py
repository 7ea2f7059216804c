"""Blocks of the documentation that can run, as they are written, against a real server with played workers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import documents
from workers.lines import Using

RUN = ("bash", "python")

PAGES = documents.having(*RUN)

#: A page's shell: an error ends it, and what the server refuses is one.
SHELL = 'set -euo pipefail\ncurl() { command curl --fail "$@"; }\n'


def script(page: Path) -> str:
    """All blocks of a page one after the other."""
    python = f"{sys.executable} - <<'END_OF_PYTHON'\n{{}}END_OF_PYTHON\n"
    parts = [python.format(one.text) if one.language == "python" else one.text for one in documents.blocks(page, *RUN)]
    return SHELL + "".join(parts)


def test_there_are_blocks_that_run():
    assert len(PAGES) > 5


@pytest.mark.parametrize("page", PAGES, ids=documents.name)
def test_the_blocks_of_a_page_run(page: Path, url: str, tmp_path: Path, batches: Using):
    folder = tmp_path / "somewhere"
    folder.mkdir()
    (folder / ".torouter").symlink_to(tmp_path)
    for block in documents.blocks(page, "json"):  # an example line, which a block below reads
        (folder / "lines.jsonl").write_text(block.text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOROUTER_")} | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TOROUTER_URL": url,
        "TOROUTER_STATE": str(tmp_path / "state"),
    }

    done = subprocess.run(
        ["bash", "-c", script(page).replace("http://127.0.0.1:2345", url)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
