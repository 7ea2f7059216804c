"""What owners' work took, by hour and expert: counted as answers and scores come, so that nobody has to count rows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from core.schemas.views import UsageView
from core.schemas.work import ExpertTally, Tally
from core.store.database import Database, insert_or_add, this_hour
from core.tables import USAGE_HOUR

#: Of an hour.
HOUR_S: Final = 3600

_SUMS: Final = tuple(one.name for one in fields(ExpertTally))


class Usage:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, owner: str, hours: int) -> list[UsageView]:
        """The owner's last hours, the one that runs included, by hour and expert; those in which there was anything."""
        columns = USAGE_HOUR.c
        within = columns.hour_at > this_hour() - hours * HOUR_S
        found = select(USAGE_HOUR).where(columns.owner == owner, within).order_by(columns.hour_at, columns.expert)
        with self._database.read() as connection:
            return [
                UsageView(expert=row.expert, hour_at=row.hour_at, **{name: getattr(row, name) for name in _SUMS})
                for row in connection.execute(found)
            ]

    def of_experts(self, since: int, before: int | None = None) -> dict[str, ExpertTally]:
        """What each expert did in the hours that began at `since` or later, and before `before`, for all owners."""
        columns = USAGE_HOUR.c
        within = [columns.hour_at >= since, *([] if before is None else [columns.hour_at < before])]
        sums = [func.sum(columns[name]).label(name) for name in _SUMS]
        with self._database.read() as connection:
            found = connection.execute(select(columns.expert, *sums).where(*within).group_by(columns.expert))
            return {row.expert: ExpertTally(**{name: _number(row, name) for name in _SUMS}) for row in found}

    def hour(self) -> int:
        """The beginning of the one that runs, in Unix seconds."""
        with self._database.read() as connection:
            return int(connection.execute(select(this_hour())).scalar_one())


def _number(row: Row[Any], name: str) -> Any:  # Any: as the column's; PostgreSQL's sum of integers is a Decimal
    value = getattr(row, name)
    return int(value) if isinstance(value, Decimal) else value


def add(connection: Connection, changes: Iterable[tuple[str, Tally]]) -> None:
    """Add what experts did for these owners to the hour that runs.

    The last thing of its transaction, and in the order of owners and experts: these rows are locked until it ends.
    """
    sums: defaultdict[tuple[str, str], ExpertTally] = defaultdict(ExpertTally)
    for owner, tally in changes:
        for expert, theirs in tally.experts.items():
            sums[owner, expert] += theirs
    if sums:
        rows = [{"owner": owner, "expert": expert, **asdict(one)} for (owner, expert), one in sorted(sums.items())]
        connection.execute(insert_or_add(connection, USAGE_HOUR, _SUMS).values(hour_at=this_hour()), rows)
