"""Say what is wrong with a catalogue so that its reader can mend it: where, what, and the cure."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from core.errors import ConfigError


class Problem(NamedTuple):
    """One thing wrong with one entry."""

    entry: str
    field: tuple[str, ...]  # of the entry; nested ones by their path, () for the entry itself
    told: str  # what is wrong and the cure


def undecodable(path: Path, error: tomllib.TOMLDecodeError) -> ConfigError:
    """For a file that is no TOML, or declares a table twice; the parser's message has the line."""
    twice = ": give every expert a name of its own" if "twice" in str(error) or "overwrite" in str(error) else ""
    return ConfigError(f"{path}: not valid TOML: {error}{twice}")


def misread(path: Path, text: str, problems: Iterable[Problem]) -> ConfigError:
    """One error for all problems of a file, a line each."""
    return ConfigError("\n".join(_sentence(path, text, problem) for problem in problems))


def problems_of(error: ValidationError, entry: str, model: type[BaseModel], inside: tuple[str, ...]) -> list[Problem]:
    """Pydantic's findings on an entry, or on what is `inside` it."""
    found = []
    for each in error.errors(include_url=False):
        where = tuple(str(part) for part in each["loc"])
        if each["type"] == "extra_forbidden":
            told = f"no such field; {_closest(where[-1], _fields(model, where[:-1]))}"
        elif each["type"] == "missing":
            told = "missing: add it"
        else:
            told = f"{each['input']!r} won't do: {each['msg']}"
        found.append(Problem(entry, inside + where, told))
    return found


def _sentence(path: Path, text: str, problem: Problem) -> str:
    field = f", {'.'.join(problem.field)}" if problem.field else ""
    return f"{path}, line {_line(text, problem)}: experts.{problem.entry}{field}: {problem.told}"


def _fields(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Names of the fields of a model, or of a model nested in it."""
    for part in path:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        nested = [kind for kind in (annotation, *get_args(annotation)) if _is_model(kind)]
        if not nested:
            return []
        model = nested[0]
    return [name for name in model.model_fields if name != "name"]


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _closest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(known)}"


def _line(text: str, problem: Problem) -> int:
    """Where a problem stands: at its field, else at the innermost table that is there; counted from 1.

    TOML's reader keeps no lines, so they are looked for; a header quoted inside a long string could mislead this.
    """
    lines = text.split("\n")
    for depth in range(len(problem.field), -1, -1):
        header = _header(lines, problem.entry, problem.field[:depth])
        if header is not None:
            key = problem.field[depth] if depth < len(problem.field) else None
            return (key and _key_line(lines, header, key)) or header
    return 1


def _header(lines: list[str], entry: str, tables: Sequence[str]) -> int | None:
    """The line of `[experts.ENTRY.TABLE…]`."""
    wanted = ["experts", entry, *tables]
    for number, line in enumerate(lines, start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header and [part.strip().strip("\"'") for part in header[1].split(".")] == wanted:
            return number
    return None


def _key_line(lines: list[str], header: int, key: str) -> int | None:
    """The line below a header, and above the next, that sets a key or something inside it."""
    for number, line in enumerate(lines[header:], start=header + 1):
        if line.lstrip().startswith("["):
            return None
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
            return number
    return None
