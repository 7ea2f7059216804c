"""Which collecting batch a first router learns from."""

from pathlib import Path
from types import SimpleNamespace

from rich.console import Console

from api import first_router
from core.settings import Settings
from core.store import Store
from core.tables import LOCAL
from tests import factories
from workers import app as celery_app
from workers.sending import Sender


def collecting_batch(store: Store, home: Path) -> str:
    settings = Settings(home=home)  # nothing listens at its broker: recovery would send what stays unsent
    sender = Sender(celery_app.create(settings), store.recovery, settings)
    up = SimpleNamespace(store=store, sender=sender, console=Console(quiet=True))
    (batch,) = first_router.collect(up).batches
    return batch


def test_a_second_run_uses_the_answers_of_the_first(store: Store, tmp_path: Path):
    store.experts.sync([factories.expert("general"), factories.expert("math")])

    first = collecting_batch(store, tmp_path)

    assert collecting_batch(store, tmp_path) == first
    assert store.batches.get(first, LOCAL).collect == ("general", "math")


def test_other_experts_are_asked_anew(store: Store, tmp_path: Path):
    store.experts.sync([factories.expert("general"), factories.expert("math")])
    first = collecting_batch(store, tmp_path)

    store.experts.sync([factories.expert("general"), factories.expert("math", model="another")])

    assert collecting_batch(store, tmp_path) != first
