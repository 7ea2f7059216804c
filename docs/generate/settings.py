"""The settings' page, from `core.settings.Settings` and the few variables that are read elsewhere."""

from pydantic.fields import FieldInfo

import api.bulk.records
import api.cli.clients
from core import settings
from core.settings import Settings
from docs.generate import comments, fields
from docs.generate.markdown import code, page, section, table

INTRODUCTION = """\
Every setting is an environment variable, and has a default that works on one machine. `TOROUTER_SECRETS_DIR` names a
folder with a file for each that the environment should not hold, called like the variable in lower-case letters; what
the environment says comes first. A value that won't do ends the process at once, with status 2 and the variable's name.
Processes of one system should have the same settings: on several machines, one file of them."""

#: The setting that a group begins with, and what the group is about.
GROUPS = {
    "home": "Places",
    "route_threads": "Threads",
    "host": "Listening",
    "auth": "Keys",
    "log_level": "Logs, traces and metrics",
    "lease_s": "Leases and recovery",
    "policy": "Choosing and learning",
    "gather_s": "Work in hand",
    "wait_s": "Requests",
    "max_file_bytes": "Batches and what there is room for",
    "webhook_secret": "Webhooks and events",
}

#: Where variables are read that belong to no process of a system, but to who starts one or calls it.
ELSEWHERE = (settings, api.cli.clients, api.bulk.records)


def made() -> str:
    groups: dict[str, list[tuple[str, ...]]] = {}
    heading = ""
    for name, field in Settings.model_fields.items():
        heading = GROUPS.get(name, heading)
        groups.setdefault(heading, []).append(_row(name, field))
    parts = [section(title, table(("variable", "value", "default", "what"), rows)) for title, rows in groups.items()]
    others = section("Read elsewhere", table(("variable", "what"), _others()))
    return page("Settings", INTRODUCTION, *parts, others)


def _row(name: str, field: FieldInfo) -> tuple[str, ...]:
    return code(f"TOROUTER_{name.upper()}"), fields.kind(field), fields.default(field), str(field.description)


def _others() -> list[tuple[str, str]]:
    """Constants that hold a variable's name, with what is said of them."""
    rows = [
        (code(value), told)
        for module in ELSEWHERE
        for name, told in comments.of_module(module).items()
        if isinstance(value := getattr(module, name), str) and value.startswith("TOROUTER_")
    ]
    return sorted(rows)
