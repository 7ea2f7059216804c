"""The page of a catalogue's fields, from the models that read it."""

import inspect

from pydantic import BaseModel

from core.schemas.conversation import Sampling
from core.schemas.experts import ExpertSpec, Limits
from docs.generate import fields
from docs.generate.markdown import code, page, section, table
from experts.options import OPTIONS

INTRODUCTION = """\
A TOML file with a table `[experts.NAME]` for each expert; `TOROUTER_CATALOGUE` names it, and `torouter experts load`
reads it ([how to](../how-to/add-an-expert.md)). [experts/catalogue.toml](../../experts/catalogue.toml) is the shipped
one, with examples. A field that is not here is refused."""


def made() -> str:
    entry = _section("An entry", ExpertSpec, without="name")
    options = [_section(f"Options of {code(kind.value)}", model) for kind, model in OPTIONS.items()]
    return page("Catalogue", INTRODUCTION, entry, _section("Limits", Limits), _section("Sampling", Sampling), *options)


def _section(title: str, model: type[BaseModel], without: str = "") -> str:
    rows = [
        (code(name), fields.kind(field), fields.default(field), field.description or "")
        for name, field in model.model_fields.items()
        if name != without
    ]
    return section(title, str(inspect.getdoc(model)), table(("field", "value", "default", "what"), rows))
