"""The metrics' page, from what `core.metrics` declares."""

from collections.abc import Iterable

from core.metrics import DECLARED, Declared
from docs.generate.markdown import code, joined, page, section, table

INTRODUCTION = """\
What `/metrics` of the API and of every worker says, beside what Python's client says of its process. Labels are from
small sets: none names a batch, a prompt or an owner. A histogram has `_bucket`, `_sum` and `_count` behind its name.
Alerts on them, and what to do, are in [operations](../operations.md)."""

COUNTED = "Each process counts from 0 when it starts: sum over processes, and use `rate` or `increase`."
READ = "The API reads these from the database; every process of it says the same: take the `max` over them."


def made() -> str:
    counted, read = ([one for one in DECLARED if one.stored is stored] for stored in (False, True))
    return page(
        "Metrics",
        INTRODUCTION,
        section("Counted by processes", COUNTED, _table(counted)),
        section("Read from the database", READ, _table(read)),
    )


def _table(declared: Iterable[Declared]) -> str:
    rows = [(code(one.name), joined(str(one.kind), ", ".join(map(code, one.labels))), one.help) for one in declared]
    return table(("metric", "type; labels", "what"), rows)
