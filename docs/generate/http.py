"""The page of endpoints, from the OpenAPI document; and that document as a file."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.app import create_app
from api.http import documentation
from api.http.gate import is_public, scope_for
from core.settings import Settings
from core.store import Store
from docs.generate.markdown import code, page, section, table

INTRODUCTION = """\
The API speaks HTTP on `TOROUTER_HOST` and `TOROUTER_PORT`. A running server describes every field at `/docs`, and
serves the whole OpenAPI document at `/openapi.json`; the built site has it [as a file](openapi.json). Bodies are JSON
but where a file is sent. What OpenAI's API has, has its form here, so that its clients work
([batches](../batches.md)); the rest is torouter's own. The scope is what a key needs where the server asks for keys
([keys](../keys.md))."""

ERRORS = """\
Every error is `{"error": {"message", "type", "param", "code"}}`: the message names the value and the cure, and `code`
is for programs. Errors that a prompt or a batch's line can have stand in [batches](../batches.md)."""

RESPONSES: documentation.Responses = (
    documentation.BAD_REQUEST
    | documentation.UNAUTHENTICATED
    | documentation.FORBIDDEN
    | documentation.NOT_FOUND
    | documentation.CONFLICT
    | documentation.TOO_LARGE
    | documentation.NOT_JSON
    | documentation.OVERLOADED
    | documentation.FAILED
    | documentation.NOT_READY
    | documentation.WAIT_TIMEOUT
)

Document = dict[str, Any]  # Any: OpenAPI


def made() -> str:
    found = document()
    parts = []
    for tag in found["tags"]:
        rows = [row for path, operations in found["paths"].items() for row in _rows(tag["name"], path, operations)]
        parts.append(section(tag["name"].capitalize(), tag["description"] + ".", table(HEADS, rows)))
    answers = [(str(status), str(said["description"])) for status, said in sorted(RESPONSES.items())]
    return page("HTTP", INTRODUCTION, *parts, section("Errors", ERRORS, table(("status", "when"), answers)))


HEADS = ("endpoint", "what", "scope")


def document() -> Document:
    """What `/openapi.json` serves."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/torouter.db", f"file://{folder}/files")
        found = create_app(Settings(home=Path(folder)), store, _Nobody()).openapi()
        store.close()
    return found


def write(path: Path) -> None:
    path.write_text(json.dumps(document(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _rows(tag: str, path: str, operations: Document) -> Iterator[tuple[str, ...]]:
    for method, operation in operations.items():
        if tag in operation["tags"]:
            scope = "" if is_public(path) else code(scope_for(method.upper(), path))
            yield code(f"{method.upper()} {path}"), operation["summary"], scope


class _Nobody:
    """Is told of nothing: no request is made."""

    def submitted(self, submitted: object) -> None: ...
