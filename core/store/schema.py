"""The state of the database's schema, and bringing it up to date with Alembic's migrations."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from core.errors import ConfigError, NotReadyError
from core.store.database import Database

#: Whoever holds this PostgreSQL advisory lock migrates; the others wait and then find nothing to do.
MIGRATION_LOCK = 0x746F72  # "tor"


class Schema:
    def __init__(self, database: Database) -> None:
        self._database = database

    def upgrade(self, revision: str = "head") -> None:
        """Migrate to a revision; two processes may do it at once."""
        with self._database.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)

    def reach(self) -> None:
        """StoreError unless the database answers, whatever is in it."""
        with self._database.read() as connection:
            connection.execute(text("SELECT 1"))

    def check(self) -> None:
        """NotReadyError, with the cure, unless every migration has been applied; ConfigError where more have been."""
        with self._database.read() as connection:
            found = _revision(connection)
        known, wanted = {one.revision for one in _scripts().walk_revisions()}, head()
        if found is not None and found not in known:
            raise ConfigError(
                f"the database is at revision {found}, which is of a later version than this one: update this process"
            )
        if found != wanted:
            raise NotReadyError(
                f"the database is at revision {found or 'none'} and this version needs {wanted}: run `torouter migrate`"
            )


def alembic_config() -> Config:
    """Alembic's configuration, without an ini file."""
    config = Config()
    config.set_main_option("script_location", "core.tables:migrations")
    return config


def head() -> str:
    """The newest revision that this version knows."""
    return str(_scripts().get_current_head())


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
