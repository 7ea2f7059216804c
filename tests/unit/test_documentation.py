"""The documentation against the code: the reference is what the code says, and what pages name is there."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from api.cli.main import app
from docs.generate import http
from docs.generate.__main__ import REFERENCE
from docs.generate.__main__ import pages as generated
from experts import catalogue
from tests import documents
from tests.documents import ROOT

GENERATE = ".venv/bin/python -m docs.generate"

#: Set for containers, tests and `make setup`, which read them.
OTHERS = {"TOROUTER_TEST_CACHE", "TOROUTER_DEVICE", "TOROUTER_CHAOS"}

PAGES = [*documents.pages(), ROOT / "README.md", ROOT / "SECURITY.md"]


@pytest.mark.parametrize(("path", "text"), list(generated()), ids=lambda one: getattr(one, "name", ""))
def test_a_page_of_the_reference_is_what_the_code_says(path: Path, text: str):
    assert path.read_text(encoding="utf-8") == text, f"run {GENERATE}"


def test_the_site_is_built_without_a_warning(tmp_path: Path):
    http.write(REFERENCE / "openapi.json")  # as `make docs` does, for a link to it
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "--conf-dir", "docs"]

    done = subprocess.run(
        [*command, ".", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").exists()


@pytest.mark.parametrize("page", documents.having("json", "yaml", "python"), ids=documents.name)
def test_blocks_can_be_read(page: Path):
    for block in documents.blocks(page, "json", "yaml", "python"):
        match block.language:
            case "json":
                json.loads(block.text)
            case "yaml":
                yaml.safe_load(block.text)
            case _:
                ast.parse(block.text)


@pytest.mark.parametrize("page", documents.having("toml"), ids=documents.name)
def test_entries_of_a_catalogue_load(page: Path, tmp_path: Path):
    for number, block in enumerate(documents.blocks(page, "toml")):
        path = tmp_path / f"{number}.toml"
        path.write_text(block.text, encoding="utf-8")

        assert len(catalogue.load(path)) == len(tomllib.loads(block.text)["experts"])


def test_settings_that_pages_name_are_there():
    known = OTHERS | set(re.findall(r"`(TOROUTER_\w+)`", (documents.DOCS / "reference" / "settings.md").read_text()))
    for page in PAGES:
        named = set(re.findall(r"TOROUTER_[A-Z_]*[A-Z](?![A-Z_])", page.read_text(encoding="utf-8")))

        assert not named - known, page


def test_commands_that_pages_name_are_there():
    tree = typer.main.get_command(app).commands
    words = {name: set(getattr(command, "commands", ())) for name, command in tree.items()}
    for page in PAGES:
        for block in documents.blocks(page, "sh", "bash"):
            for name, below in re.findall(r"^ *torouter ([a-z]+) ?([a-z]*)", block.text, flags=re.MULTILINE):
                assert name in words, (page, name)
                assert not words[name] or below in words[name] or "{" in block.text, (page, name, below)


def test_every_alert_has_a_section_that_its_runbook_leads_to():
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules" / "torouter.yml").read_text())
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    sections = set(re.findall(r"^### (\w+)$", (documents.DOCS / "operations.md").read_text(), flags=re.MULTILINE))

    assert {rule["alert"] for rule in alerts} == sections
    for rule in alerts:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
