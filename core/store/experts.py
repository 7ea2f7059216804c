"""The experts table: what processes read of the catalogue, so that experts can change while they run."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, insert, select, update

from core.errors import UnknownExpertError
from core.schemas.experts import ExpertSpec
from core.store.database import Database, now
from core.tables import EXPERT


class Experts:
    """A public method is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sync(self, specs: Sequence[ExpertSpec]) -> None:
        """Make the table say what the catalogue says; one that is gone from it is disabled, for its answers stay."""
        with self._database.write() as connection:
            known = set(connection.execute(select(EXPERT.c.name)).scalars())
            connection.execute(
                update(EXPERT).where(EXPERT.c.name.not_in([spec.name for spec in specs])).values(enabled=False)
            )
            for spec in specs:
                values = {"spec": spec.model_dump(mode="json"), "enabled": True, "updated_at": now()}
                if spec.name in known:
                    connection.execute(update(EXPERT).where(EXPERT.c.name == spec.name).values(values))
                else:
                    connection.execute(insert(EXPERT).values(name=spec.name, **values))

    def enabled(self) -> dict[str, ExpertSpec]:
        """The experts that may answer, by name in alphabetical order."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(EXPERT.c.name, EXPERT.c.spec).where(EXPERT.c.enabled).order_by(EXPERT.c.name)
            )
            return {row.name: ExpertSpec.model_validate(row.spec) for row in rows}

    def died(self, names: Collection[str]) -> None:
        """Count that the engine of these has died."""
        with self._database.write() as connection:
            count_deaths(connection, dict.fromkeys(names, 1))

    def deaths(self) -> dict[str, int]:
        """How often the engine of every expert died that there ever was."""
        with self._database.read() as connection:
            rows = connection.execute(select(EXPERT.c.name, EXPERT.c.deaths).order_by(EXPERT.c.name))
            return {row.name: row.deaths for row in rows}

    def get(self, name: str) -> ExpertSpec:
        """One expert that may answer; UnknownExpertError names the others."""
        experts = self.enabled()
        if name not in experts:
            raise UnknownExpertError(f"there is no expert {name!r}: choose one of {', '.join(experts) or '(none)'}")
        return experts[name]


def count_deaths(connection: Connection, deaths: Mapping[str, int]) -> None:
    """Add them to their experts': the last thing of a transaction, in the order of names."""
    for name, count in sorted(deaths.items()):
        counted = update(EXPERT).where(EXPERT.c.name == name).values(deaths=EXPERT.c.deaths + count)
        connection.execute(counted)
