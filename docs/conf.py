"""How Sphinx makes the site: `make docs`. Its source is the repository's root, so that links in pages lead on."""

from importlib.metadata import version as version_of
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]

project = "torouter"
version = release = version_of("torouter")
project_copyright = "the torouter authors, Apache-2.0"

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["docs/**.md", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/images/*"]
exclude_patterns = [".*", "docs/_build", "deploy", "tests", "experts"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
highlight_language = "none"

html_theme = "furo"
html_title = "torouter"
html_static_path = ["site"]
html_css_files = ["site.css"]
html_favicon = "../api/web/icon.svg"
html_copy_source = False
html_show_sourcelink = False
html_additional_pages = {"index": "front.html"}
templates_path = ["site"]


def _folders_as_text(_app: Sphinx, document: nodes.document) -> None:
    """A link to a folder of the repository, which no page shows, is its text alone."""
    for node in list(document.findall(pending_xref)):
        if (ROOT / Path(node["refdoc"]).parent / node["reftarget"]).is_dir():
            node.replace_self(node.children)


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", _folders_as_text)
