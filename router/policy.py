"""A policy by name and number, `cost:20`: which there are and what their numbers mean. It chooses nothing.

It loads no numpy, so that whoever takes requests can check one.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from core.errors import InvalidInputError


class Knob(NamedTuple):
    """What a policy's number means, and the most that it may be; it is never less than 0."""

    meaning: str
    most: float = math.inf


#: The policies, each with its knob; None where there is nothing to set.
POLICIES: Final[Mapping[str, Knob | None]] = MappingProxyType(
    {
        "best": None,
        "cost": Knob("quality that US$ 1 per 1,000 prompts must bring"),
        "time": Knob("quality that a second of inference must bring"),
        "strong": Knob("share of prompts for the strong experts", 1.0),
        "edge": Knob("quality that the cloud must bring"),
        "guard": Knob("standard errors by which a gain over the baseline expert must be sure"),
    }
)


class Policy(NamedTuple):
    """One way to turn predictions into choices."""

    name: str
    knob: float = 0.0

    def __str__(self) -> str:
        return self.name if POLICIES[self.name] is None else f"{self.name}:{self.knob:g}"


BEST: Final = Policy("best")


def parse(text: str) -> Policy:
    """The policy that a text names; InvalidInputError, with those there are, where it names none."""
    name, colon, number = text.partition(":")
    if name not in POLICIES:
        raise InvalidInputError(f"unknown policy {text[:100]!r}: choose one of {described()}", param="policy")
    knob = POLICIES[name]
    if (knob is None) == bool(colon):
        cure = f"write {name}" if knob is None else f"write {name}:NUMBER, the {knob.meaning}"
        raise InvalidInputError(f"policy {text[:100]!r}: {cure}", param="policy")
    return BEST._replace(name=name) if knob is None else Policy(name, _number(text, number, knob))


def described() -> str:
    """The policies as one writes them."""
    return ", ".join(name if knob is None else f"{name}:NUMBER" for name, knob in POLICIES.items())


def _number(text: str, number: str, knob: Knob) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not (0 <= value <= knob.most and math.isfinite(value)):
        wanted = "a number from 0" if math.isinf(knob.most) else f"a number from 0 to {knob.most:g}"
        raise InvalidInputError(f"policy {text[:100]!r}: want {wanted}, the {knob.meaning}", param="policy")
    return value
