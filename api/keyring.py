"""The keys that callers hold, as they were a moment ago: nobody's polls cost a look at the database. Knows no HTTP."""

import asyncio
import time

from core.schemas.keys import SECRET, KeyView, digest_of
from core.store.keys import USED_EVERY_S, Keys

#: A key that was found is believed for so long: what was revoked may still be used meanwhile.
BELIEVED_S = 3.0


class Keyring:
    """Of one event loop. One look at a time for each key, however many requests bring it."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        #: By digest, those that are looked up, or were found less than `BELIEVED_S` ago.
        self._looks: dict[str, asyncio.Task[KeyView | None]] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def find(self, secret: str) -> KeyView | None:
        """The key of a secret; None where it is unknown, revoked or expired. StoreError where that can't be known."""
        if not SECRET.fullmatch(secret):
            return None
        digest = digest_of(secret)
        if digest not in self._looks:
            look = self._looks[digest] = asyncio.create_task(asyncio.to_thread(self._keys.active, digest))
            look.add_done_callback(lambda done: self._keep(digest, done))
        return await asyncio.shield(self._looks[digest])  # whoever leaves doesn't take it from the others

    def _keep(self, digest: str, look: "asyncio.Task[KeyView | None]") -> None:
        key = None if look.cancelled() or look.exception() else look.result()
        if key is None:  # which may be mended at any moment
            del self._looks[digest]
            return
        look.get_loop().call_later(BELIEVED_S, self._looks.pop, digest)
        if key.last_used_at is None or time.time() - key.last_used_at > USED_EVERY_S:
            noting = asyncio.create_task(asyncio.to_thread(self._keys.used, key.id))
            self._noting.add(noting)  # or nobody holds it
            noting.add_done_callback(self._noting.discard)
