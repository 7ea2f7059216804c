"""Stable numbers from text: the same in every process and on every machine, unlike `hash()`."""

from collections.abc import Iterable
from hashlib import blake2b, sha256


def uniform(*parts: str) -> float:
    """A number in [0, 1) that depends on the parts alone, and on where one ends and the next begins."""
    return int.from_bytes(blake2b(_joined(parts), digest_size=6).digest()) / 2**48


def number(text: str) -> int:
    """8 bytes of a hash of the text, as a signed integer."""
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), signed=True)


def fingerprint(parts: Iterable[str]) -> str:
    """sha256 of the parts in their order, in hexadecimal digits; it too depends on where one ends."""
    return sha256(_joined(parts)).hexdigest()


def _joined(parts: Iterable[str]) -> bytes:
    encoded = (part.encode(errors="surrogatepass") for part in parts)
    return b"".join(len(data).to_bytes(8) + data for data in encoded)
