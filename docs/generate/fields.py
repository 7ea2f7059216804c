"""Fields of pydantic models, as cells of a table."""

from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from docs.generate.markdown import code

KINDS = {
    int: "integer",
    float: "number",
    str: "text",
    bool: "`true` or `false`",
    Path: "path",
    SecretStr: "secret",
    dict: "table",
    tuple: "list",
}

#: What is only there because a database could not hold more is not worth a word.
UNSAID = 2**63

BOUNDS = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}"}


def kind(field: FieldInfo) -> str:
    """What may be given."""
    told = [
        text.format(f"{getattr(limit, name):,}")
        for limit in field.metadata
        for name, text in BOUNDS.items()
        if abs(getattr(limit, name, UNSAID)) < UNSAID
    ]
    return " ".join([_named(field.annotation), *told])


def default(field: FieldInfo) -> str:
    given = field.get_default(call_default_factory=True)
    if field.is_required():
        return "required"
    if isinstance(given, BaseModel):
        return ", ".join(code(f"{name} = {value}") for name, value in given.model_dump(exclude_defaults=True).items())
    if given in (None, "", {}, ()):
        return "none"
    if isinstance(given, bool):
        return code(str(given).lower())
    return code(f"{given:.15g}" if isinstance(given, float) else given)


def _named(annotation: Any) -> str:  # Any: whatever a field is annotated with
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Annotated, Union, UnionType):
        return _named(next(one for one in inner if one is not NoneType))
    if origin is Literal:
        return " or ".join(map(code, inner))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(code(one.value) for one in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"table, [below](#{annotation.__name__.lower()})"
    return KINDS[origin or annotation]
