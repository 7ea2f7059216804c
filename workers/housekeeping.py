"""The step that forgets what has expired: files, the parts of uploads, and the keys of requests."""

from core.store import Store

#: Rows of one transaction.
PAGE = 500

#: Seconds for which an `Idempotency-Key` is remembered.
KEY_S = 7 * 86_400.0


def tidy(store: Store) -> None:
    """Rows first: bytes without a row are lost room, and a row without its bytes would be a lie."""
    for take in (store.files.take_expired, store.uploads.take_spent):
        while keys := take(PAGE):
            for key in keys:
                store.blobs.delete(key)
    store.files.forget_keys(KEY_S)
