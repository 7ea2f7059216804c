"""Stable numbers from text: the same in every process and on every machine, unlike `hash()`."""

from hashlib import blake2b


def uniform(*parts: str) -> float:
    """A number in [0, 1) that depends on the parts alone, and on where one ends and the next begins."""
    digest = blake2b(digest_size=6)
    for part in parts:
        data = part.encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(8))
        digest.update(data)
    return int.from_bytes(digest.digest()) / 2**48
