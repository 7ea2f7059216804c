"""The step that forgets what has expired: files, the parts of uploads, and the keys of requests."""

import logging
from itertools import islice

from core.store import Store

log = logging.getLogger(__name__)

#: Rows of one transaction.
PAGE = 500

#: Seconds for which an `Idempotency-Key` is remembered.
KEY_S = 7 * 86_400.0

#: Seconds after which bytes without a row are nobody's: the longest that a file takes to come.
ORPHAN_S = 2 * 86_400.0


def tidy(store: Store) -> None:
    """Rows first: bytes without a row are lost room, and a row without its bytes would be a lie."""
    for take in (store.files.take_expired, store.uploads.take_spent):
        while keys := take(PAGE):
            _delete(store, keys)
    store.files.forget_keys(KEY_S)


def sweep(store: Store) -> None:
    """Bytes without a row: who wrote them was killed before it could say so."""
    keys = store.blobs.old_keys("files", ORPHAN_S)
    while some := list(islice(keys, PAGE)):
        _delete(store, sorted(store.files.without_row(some)))


def _delete(store: Store, keys: list[str]) -> None:
    """What can't be deleted now is without a row, and is swept another time."""
    for key in keys:
        try:
            store.blobs.delete(key)
        except OSError as error:
            log.warning("can't delete %s: %s", key, error)
