"""Read the catalogue: a TOML file with a table `[experts.NAME]` for each expert.

Whatever is wrong with it is said with file, line, entry, field, value and what to do. Knows no engine, only which
options each takes.
"""

import tomllib
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from core.errors import ConfigError
from core.schemas.experts import AUTO, EngineKind, ExpertSpec
from experts.catalogue_errors import Problem, misread, problems_of, undecodable
from experts.options import OPTIONS
from experts.weights import ADAPTER_FILES, HUB

#: The catalogue that comes with torouter.
SHIPPED: Final = Path(__file__).with_name("catalogue.toml")

_Model = TypeVar("_Model", bound=BaseModel)


def load(path: Path) -> tuple[ExpertSpec, ...]:
    """The experts of a catalogue, in its order. ConfigError lists everything that is wrong with it, a line each.

    Paths of models and adapters that are relative are taken from the catalogue's folder.
    """
    text = _read(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise undecodable(path, error) from error
    entries = _entries(path, document)
    specs: list[ExpertSpec] = []
    problems: list[Problem] = []
    for name, entry in entries.items():
        found = _check(name, entry, path.parent)
        if isinstance(found, ExpertSpec):
            specs.append(found)
        else:
            problems += found
    if problems:
        raise misread(path, text, problems)
    return tuple(specs)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: the catalogue can't be read ({error}); TOROUTER_CATALOGUE names the file, {SHIPPED} is an example"
        ) from error


def _entries(path: Path, document: dict[str, Any]) -> dict[str, Any]:  # Any: TOML, not validated yet
    unknown = [key for key in document if key != "experts"]
    if unknown:
        raise ConfigError(f"{path}: {unknown[0]!r} has no place in a catalogue: write [experts.{unknown[0]}]")
    entries = document.get("experts")
    if not isinstance(entries, dict) or not entries:
        raise ConfigError(f"{path}: no expert is listed: add a table [experts.NAME] ({SHIPPED} is an example)")
    return entries


def _check(name: str, entry: Any, folder: Path) -> ExpertSpec | list[Problem]:  # Any: TOML, not validated yet
    """The entry as a spec with its paths resolved, or what is wrong with it."""
    if not isinstance(entry, dict):
        return [Problem(name, (), f"is {entry!r}, not a table: write [experts.{name}] with its fields below")]
    if name == AUTO:
        return [Problem(name, (), f"{AUTO!r} is how a caller asks for the router: choose another name")]
    if "name" in entry:
        return [Problem(name, ("name",), "the name is in the table's header: remove this line")]
    spec = _validated(name, ExpertSpec, {"name": name, **entry}, ())
    if isinstance(spec, list):
        return spec
    options = _validated(name, OPTIONS[spec.engine], spec.options, ("options",))
    problems = options if isinstance(options, list) else []
    resolved = spec.model_copy(update={"model": _model(spec, folder), "adapter": _adapter(spec, folder)})
    return problems + _inconsistent(resolved) or resolved


def _validated(
    name: str, model: type[_Model], values: dict[str, Any], inside: tuple[str, ...]
) -> _Model | list[Problem]:  # Any: as above
    try:
        return model.model_validate(values)
    except ValidationError as error:
        return problems_of(error, name, model, inside)


def _model(spec: ExpertSpec, folder: Path) -> str:
    """The model; where it is plainly a path, that from the catalogue's folder."""
    is_path = spec.engine is EngineKind.VLLM and spec.model.startswith((".", "/", "~"))
    return str((folder / Path(spec.model).expanduser()).resolve()) if is_path else spec.model


def _adapter(spec: ExpertSpec, folder: Path) -> str | None:
    if spec.adapter is None or spec.adapter.startswith(HUB):
        return spec.adapter
    return str((folder / Path(spec.adapter).expanduser()).resolve())


def _inconsistent(spec: ExpertSpec) -> list[Problem]:
    """Where the fields are right each for itself and wrong together, or with what is on this machine."""
    found = []
    if spec.adapter is not None and spec.engine is not EngineKind.VLLM:
        found.append(Problem(spec.name, ("adapter",), f"engine {spec.engine.value!r} takes none: remove it"))
    elif spec.adapter is not None and not spec.adapter.startswith(HUB):
        found += _missing_adapter(spec.name, Path(spec.adapter))
    if spec.model.startswith("/") and spec.engine is EngineKind.VLLM and not Path(spec.model).is_dir():
        found.append(Problem(spec.name, ("model",), f"there is no folder {spec.model}: mend the path"))
    longest = spec.sampling.max_tokens
    if longest is not None and longest >= spec.context_tokens:
        told = f"{longest} leaves no room for a prompt in context_tokens = {spec.context_tokens}: lower it"
        found.append(Problem(spec.name, ("sampling", "max_tokens"), told))
    return found


def _missing_adapter(name: str, folder: Path) -> list[Problem]:
    missing = [file for file in ADAPTER_FILES if not (folder / file).is_file()]
    told = f"{folder} lacks {' and '.join(missing)}: mend the path, or write {HUB}ORGANISATION/NAME for one of the hub"
    return [Problem(name, ("adapter",), told)] if missing else []
