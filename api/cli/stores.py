"""The database as commands open it. Importing this loads no SQL, so that commands over HTTP start at once."""

from typing import TYPE_CHECKING

from core import settings as settings_of

if TYPE_CHECKING:
    from core.store import Store


def opened() -> "Store":
    """That of the settings, whatever its schema's state."""
    from core.store import Store  # noqa: PLC0415  # SQLAlchemy

    return Store.of(settings_of.read())


def migrated() -> "Store":
    """The same; NotReadyError where its schema is not this version's."""
    store = opened()
    store.schema.check()
    return store
