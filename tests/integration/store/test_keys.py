"""Keys in the store: only digests are kept, and the database's clock ends them."""

import pytest
import sqlalchemy

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.schemas.keys import Limits, NewKey, Scope, digest_of, new_secret
from core.store import Store
from core.tables import API_KEY


def test_a_key_is_found_by_its_secret_which_is_not_kept(store: Store):
    secret = new_secret()
    limits = Limits(requests_per_minute=5, open_prompts=7)
    made = store.keys.create(NewKey("app", "team", frozenset((Scope.READ,)), limits, 60), digest_of(secret))

    found = store.keys.active(digest_of(secret))

    assert found == made
    assert (found.owner, found.scopes, found.limits) == ("team", {Scope.READ}, limits)
    with store.keys._database.read() as connection:
        row = connection.execute(sqlalchemy.select(API_KEY)).one()
    assert secret.removeprefix("tor-") not in str(row)
    assert store.keys.active(digest_of(new_secret())) is None


def test_a_key_without_an_owner_is_its_own(store: Store):
    made = store.keys.create(NewKey("app"), digest_of(new_secret()))

    assert made.owner == made.id
    assert made.scopes == {Scope.SUBMIT, Scope.READ}


def test_an_expired_or_revoked_key_is_none(store: Store):
    first, second = new_secret(), new_secret()
    store.keys.create(NewKey("expired", expires_in_s=-1), digest_of(first))
    store.keys.create(NewKey("revoked"), digest_of(second))

    revoked = store.keys.revoke("revoked")

    assert store.keys.active(digest_of(first)) is None
    assert store.keys.active(digest_of(second)) is None
    assert store.keys.revoke(revoked.id) == revoked  # again is the same
    assert [key.active for key in store.keys.all()] == [False, False]


def test_keys_of_the_same_name_are_revoked_by_id(store: Store):
    first, second = (store.keys.create(NewKey("app"), digest_of(new_secret())) for _ in range(2))

    with pytest.raises(ConflictError, match=f"{first.id}, {second.id}"):
        store.keys.revoke("app")
    store.keys.revoke(first.id)

    assert store.keys.revoke("app").id == second.id
    with pytest.raises(NotFoundError, match="torouter keys list"):
        store.keys.revoke("nobody")


def test_its_use_is_written_once_a_minute_at_most(store: Store):
    made = store.keys.create(NewKey("app"), digest_of(new_secret()))

    store.keys.used(made.id)
    [first] = store.keys.all()
    store.keys.used(made.id)
    [second] = store.keys.all()

    assert first.last_used_at is not None
    assert second.last_used_at == first.last_used_at


@pytest.mark.parametrize(
    ("new", "param"),
    [
        (NewKey(""), "name"),
        (NewKey("a\x00"), "name"),
        (NewKey("a" * 101), "name"),
        (NewKey("app", owner="torouter"), "owner"),
        (NewKey("app", owner="-x"), "owner"),
        (NewKey("app", scopes=frozenset()), "scope"),
    ],
)
def test_names_that_cannot_be_are_refused(sqlite_store: Store, new: NewKey, param: str):
    with pytest.raises(InvalidInputError) as refused:
        sqlite_store.keys.create(new, digest_of(new_secret()))

    assert refused.value.param == param
    assert sqlite_store.keys.all() == []
