"""The commands' page, from the tree that `torouter --help` shows."""

import inspect
from collections.abc import Iterator
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typer

from api.cli.main import app
from docs.generate.markdown import code, joined, page, section, table

INTRODUCTION = """\
`torouter --help` lists the commands and `torouter COMMAND --help` says the same as here. Data goes to standard output,
progress and messages to standard error. Exit status: 0 done, 1 it failed, 2 wrong input or settings, 130 Ctrl-C."""

WORDS = {bool: "", int: "NUMBER", float: "NUMBER", str: "TEXT"}


def made() -> str:
    parts = [section(code(" ".join(path)), *_described(command)) for path, command in _commands()]
    return page("Commands", INTRODUCTION, *parts)


def _commands() -> Iterator[tuple[tuple[str, ...], Any]]:  # Any: click's command, or typer's own copy of it
    """Each by its words; groups are in their commands' names."""
    tree = typer.main.get_command(app)
    for name, command in tree.commands.items():  # type: ignore[attr-defined]  # the tree of a typer with commands
        if hasattr(command, "commands"):
            for below, one in command.commands.items():
                yield ("torouter", name, below), one
        else:
            yield ("torouter", name), command


def _described(command: Any) -> Iterator[str]:  # Any: as above
    yield inspect.cleandoc(command.help)
    hints = get_type_hints(inspect.unwrap(command.callback), include_extras=False)
    # A parameter whose name is a word of Python's has a _ behind it.
    kinds = {name.rstrip("_"): kind for name, kind in hints.items()}
    told = [one for one in command.params if one.name != "help"]
    yield table(
        ("argument or option", "what", "default"),
        [(_written(one, kinds[one.name.rstrip("_")]), one.help or "", _default(one)) for one in told],
    )


def _written(parameter: Any, kind: Any) -> str:  # Any: as above, and a type
    if parameter.param_type_name == "argument":
        word = parameter.name.upper() + (" …" if parameter.nargs == -1 else "")
        return code(word if parameter.required else f"[{word}]")
    names = ", ".join(parameter.opts)
    words = _words(kind)
    return code(f"{names} {words}" if words else names)


def _words(kind: Any) -> str:  # Any: as above
    """What stands behind an option; nothing for one that is only there or not."""
    if get_origin(kind) in (Annotated, Union, UnionType, list):
        return _words(next(one for one in get_args(kind) if one is not NoneType))
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(one.value for one in kind)
    return WORDS.get(kind, "PATH")


def _default(parameter: Any) -> str:  # Any: as above
    if parameter.required:
        return "required"
    given = parameter.default
    told = "" if given in (None, False, ()) else code(given)
    return joined(told, f"or {code(parameter.envvar)}" if parameter.envvar else "")
