"""`Idempotency-Key` in the store: the same request again, later or at the same moment, makes nothing new."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from core.errors import InvalidInputError
from core.schemas.files import NewBatch, NewFile, NewUpload, Once
from core.store import Store
from tests.factories import OWNER, prompt, submission

ONCE = Once("a key", "of what it asks")

FILE = NewFile("lines.jsonl", "batch", 10, "files/lines", None)


def prompts(store: Store) -> str:
    return store.prompts.submit(submission(prompt(), prompt()), ONCE).batch_id


def file(store: Store) -> str:
    return store.files.add(OWNER, FILE, ONCE).id


def batch(store: Store) -> str:
    given = store.files.add(OWNER, FILE, Once("its file", "of its file"))
    return store.batches.create(NewBatch(given.id, "/v1/chat/completions", "24h", 86_400.0, "fail", OWNER), ONCE).id


def upload(store: Store) -> str:
    return store.uploads.create(OWNER, NewUpload("lines.jsonl", "batch", 10, 3600.0, None), ONCE).id


def part(store: Store) -> str:
    of = store.uploads.create(OWNER, NewUpload("lines.jsonl", "batch", 10, 3600.0, None), Once("its upload", "it"))
    return store.uploads.add_part(of.id, OWNER, 10, "files/part", ONCE).id


MAKERS = (prompts, file, batch, upload, part)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_the_same_request_again_makes_nothing(make: Callable[[Store], str], store: Store):
    first = make(store)

    assert [make(store), make(store)] == [first, first]
    assert len(store.batches.submitted(OWNER, work_class=None, after=None, limit=10)) == (make in (prompts, batch))


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_the_same_request_several_times_at_once_makes_one_thing(make: Callable[[Store], str], store: Store):
    together = Barrier(4)

    def at_once(_number: int) -> str:
        together.wait()
        return make(store)

    with ThreadPoolExecutor(4) as callers:
        made = set(callers.map(at_once, range(4)))

    assert len(made) == 1


def test_a_key_of_another_request_is_refused_and_another_owners_is_another_key(store: Store):
    first = prompts(store)

    with pytest.raises(InvalidInputError, match="'a key' was used for another request"):
        store.prompts.submit(submission(prompt()), Once(ONCE.key, "of something else"))
    theirs = store.prompts.submit(submission(prompt(), owner="somebody"), ONCE)

    assert theirs.batch_id != first
