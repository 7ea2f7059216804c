"""The schema: migrations equal the models, and a database that is behind is named with its cure."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.errors import ConfigError, NotReadyError, StoreError
from core.store import Store
from core.store.database import Database
from core.tables import METADATA
from tests.factories import expert


def test_the_migrations_equal_the_models(migrated_url: str):
    database = Database(migrated_url)

    with database.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)

    database.close()
    assert differences == []


def test_a_database_that_is_behind_is_named_with_its_cure(database_url: str, tmp_path: Path):
    store = Store(database_url, f"file://{tmp_path}")

    with pytest.raises(NotReadyError, match="torouter migrate"):
        store.schema.check()
    store.schema.upgrade()
    store.schema.check()
    store.close()


def test_two_processes_may_migrate_at_once(database_url: str, tmp_path: Path):
    stores = [Store(database_url, f"file://{tmp_path}") for _ in range(3)]

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda store: store.schema.upgrade(), stores))

    stores[0].schema.check()
    for store in stores:
        store.close()


@pytest.mark.parametrize("url", ["mysql://host/db", "nonsense", "sqlite://"])
def test_a_database_url_that_cannot_be_used_is_refused_with_the_setting(url: str):
    with pytest.raises(ConfigError, match="TOROUTER_DATABASE_URL"):
        Database(url)


def test_a_database_that_is_away_is_our_error_and_keeps_the_password():
    database = Database("postgresql://somebody:secret@127.0.0.1:1/none")

    with pytest.raises(StoreError) as caught, database.read():
        pass

    database.close()
    assert "secret" not in str(caught.value)


def test_the_experts_table_follows_the_catalogue(store: Store):
    store.experts.sync([expert("math"), expert("code")])
    store.experts.sync([expert("math", price_in_usd_per_mtok=9), expert("art")])

    enabled = store.experts.enabled()

    assert list(enabled) == ["art", "math"]
    assert enabled["math"].price_in_usd_per_mtok == 9


def test_the_checkpoint_promoted_last_routes(store: Store, tmp_path: Path):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    manifest = {"kind": "random", "experts": ["a", "b"]}
    first, second = store.checkpoints.add(folder, manifest), store.checkpoints.add(folder, manifest)
    assert store.checkpoints.promoted() is None

    store.checkpoints.promote(second.public_id)
    store.checkpoints.promote(first.public_id)

    promoted = store.checkpoints.promoted()
    assert promoted is not None
    assert (promoted.public_id, promoted.experts) == (first.public_id, ("a", "b"))
    fetched = store.checkpoints.fetch(promoted, tmp_path / "cache")
    assert (fetched / "manifest.json").read_text() == "{}"
    assert store.checkpoints.fetch(promoted, tmp_path / "cache") == fetched
