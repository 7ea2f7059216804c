"""Alembic runs this; the connection, inside its transaction, comes from `core.store.schema`."""

from alembic import context

from core.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction holds it all
)
context.run_migrations()
