"""The operator's commands for API keys, on settings and database: keys create, list, revoke."""

import json
import re
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from core import settings as settings_of
from core.errors import InvalidInputError
from core.schemas.keys import KeyView, Limits, NewKey, Scope, digest_of, new_secret
from core.store import Store

keys_app = typer.Typer(no_args_is_help=True, help="API keys: who may use the API, where TOROUTER_AUTH is `keys`.")

out, err = Console(), Console(stderr=True)

#: Seconds of the units of a time.
UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


def add(app: typer.Typer) -> None:
    """Put the commands of this module into the tree."""
    app.add_typer(keys_app, name="keys")


@keys_app.command("create")
def create(  # noqa: PLR0917  # a command's parameters are its options
    name: Annotated[str, typer.Argument(help="What it is for; you find it again by that.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may do; repeat for several. Default: submit and read."),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(help="Whose things it sees; keys of one owner see the same. Default: the key is its own owner."),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="Ends after so long: 90m, 12h, 90d. Default: never.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Default: as the settings say.")] = None,
    concurrent_requests: Annotated[int | None, typer.Option(min=1, help="Likewise; of each API process.")] = None,
    open_prompts: Annotated[int | None, typer.Option(min=1, help="Likewise; prompts that wait for an answer.")] = None,
) -> None:
    """Make a key and print its secret, this once: only a digest of it is kept.

        export TOROUTER_API_KEY=$(torouter keys create my-laptop)

        torouter keys create nightly-evaluation --owner research --expires 90d --requests-per-minute 600

        torouter keys create dashboard --owner research --scope read

    Everything that is submitted belongs to the key's owner, and nobody else sees it. To replace a key, make another one
    for the same owner (the old key's id, where it has none), and revoke the old one. What was submitted while the API
    was open belongs to the owner `local`.
    """
    new = NewKey(
        name=name,
        owner=owner,
        scopes=frozenset(scope or NewKey("").scopes),
        limits=Limits(requests_per_minute, concurrent_requests, open_prompts),
        expires_in_s=None if expires is None else _seconds(expires),
    )
    store = _store()
    secret = new_secret()
    made = store.keys.create(new, digest_of(secret))
    typer.echo(secret)
    until = "never expires" if made.expires_at is None else f"expires at {_time(made.expires_at)}"
    may = " and ".join(scope.value for scope in Scope if scope in made.scopes)
    _say(f"{made.id} ({made.name}) of {made.owner} may {may}, and {until}. Its secret is not shown again.")


@keys_app.command("list")
def list_keys(
    *, as_json: Annotated[bool, typer.Option("--json", help="JSON; also where output is piped.")] = False
) -> None:
    """Show every key, without its secret, which nobody has but its holder."""
    keys = _store().keys.all()
    if as_json or not out.is_terminal:
        typer.echo(json.dumps([_fields(key) for key in keys], indent=2))
        return
    table = Table("id", "name", "owner", "may", "requests/min", "at once", "open prompts", "last used", "state")
    for key in keys:
        limits = (key.limits.requests_per_minute, key.limits.concurrent_requests, key.limits.open_prompts)
        told = ("default" if limit is None else f"{limit:,}" for limit in limits)
        used = "never" if key.last_used_at is None else _time(key.last_used_at)
        table.add_row(key.id, key.name, key.owner, ", ".join(sorted(key.scopes)), *told, used, _state(key))
    out.print(table)


@keys_app.command("revoke")
def revoke(which: Annotated[str, typer.Argument(help="Its id or its name.")]) -> None:
    """End a key for good, within seconds and everywhere. What it has submitted goes on, and stays its owner's."""
    ended = _store().keys.revoke(which)
    _say(f"{ended.id} ({ended.name}) is revoked; API processes refuse it within 3 seconds.")


def _store() -> Store:
    store = Store.of(settings_of.read())
    store.schema.check()
    return store


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhd])", text)
    if not found:
        raise InvalidInputError(f"--expires {text}: is a number and one of m, h, d, as 90d")
    return int(found[1]) * UNITS[found[2]]


def _fields(key: KeyView) -> dict[str, Any]:  # Any: JSON
    return asdict(key) | {"scopes": sorted(key.scopes)}


def _state(key: KeyView) -> str:
    if key.revoked_at is not None:
        return f"revoked {_time(key.revoked_at)}"
    if not key.active:
        return "expired"
    return "active" if key.expires_at is None else f"until {_time(key.expires_at)}"


def _time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _say(text: str) -> None:
    err.print(text, highlight=False, soft_wrap=True, markup=False)
