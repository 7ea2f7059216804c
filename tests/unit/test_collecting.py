"""Which experts a collecting batch asks."""

import pytest

from api.collecting import chosen_experts
from core.errors import NotReadyError, UnknownExpertError
from core.store import Store
from tests.factories import expert


def test_an_expert_that_is_named_twice_is_asked_once(sqlite_store: Store):
    sqlite_store.experts.sync([expert("a"), expert("b")])

    assert [spec.name for spec in chosen_experts(sqlite_store, "b, a,b")] == ["b", "a"]
    assert [spec.name for spec in chosen_experts(sqlite_store, "all")] == ["a", "b"]


def test_nobody_cannot_be_asked(sqlite_store: Store):
    with pytest.raises(NotReadyError, match="no expert is enabled"):
        chosen_experts(sqlite_store, "all")
    with pytest.raises(UnknownExpertError):
        chosen_experts(sqlite_store, "")
