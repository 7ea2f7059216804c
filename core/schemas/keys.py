"""API keys: what the store and its callers exchange of them, and how a secret is drawn and kept."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: What a secret begins with, so that people and scanners know one where they see it.
PREFIX: Final = "tor-"

#: Random bytes of a secret: nobody guesses 256 bits, so its digest needs to be neither slow nor salted.
SECRET_BYTES: Final = 32

#: A secret in any text.
SECRET = re.compile(rf"{PREFIX}[0-9a-f]{{{2 * SECRET_BYTES}}}")

#: What an owner or a key may be called; as an id may be, so that a key can take over from another one.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")


class Scope(StrEnum):
    """What a key may do."""

    SUBMIT = "submit"  # send files and prompts, cancel and delete
    READ = "read"  # states, answers, reports, models
    OPERATE = "operate"  # what operators ask of the system itself


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one key; None: as the settings say."""

    requests_per_minute: int | None = None
    concurrent_requests: int | None = None
    open_prompts: int | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made. Without an owner it is its own: nobody else sees what it submits."""

    name: str
    owner: str | None = None
    scopes: frozenset[Scope] = frozenset((Scope.SUBMIT, Scope.READ))
    limits: Limits = Limits()
    expires_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key without its secret, which nobody has but its holder."""

    id: str
    name: str
    owner: str
    scopes: frozenset[Scope]
    limits: Limits
    #: Neither revoked nor expired, by the database's clock.
    active: bool
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    #: To the minute.
    last_used_at: float | None


def new_secret() -> str:
    """A secret to be shown once."""
    return PREFIX + secrets.token_hex(SECRET_BYTES)


def digest_of(secret: str) -> str:
    """All that is kept of a secret, and what it is found by."""
    return hashlib.sha256(secret.encode()).hexdigest()


def redacted(text: str) -> str:
    """The text with every secret in it cut short."""
    return SECRET.sub(f"{PREFIX}…", text)
