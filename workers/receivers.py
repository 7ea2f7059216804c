"""Who may be called by a webhook: the URLs that callers may ask for, and the addresses that these may lead to.

A URL is refused where it is asked for, as far as it can be told without asking DNS; whatever its name means then is
checked when it is called.
"""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from core.errors import InvalidInputError
from core.settings import Settings

#: A host and a port to addresses; OSError where there are none.
Resolve = Callable[[str, int], Sequence[str]]

#: In these IPv6 networks the last 32 bits are an IPv4 address: mapped, translated (NAT64), compatible.
EMBEDDING = tuple(map(ip_network, ("::ffff:0:0/96", "64:ff9b::/96", "::/96")))

PARAM = "webhook_url"


def check_url(url: str, settings: Settings) -> httpx.URL:
    """The URL where a webhook may go there; InvalidInputError names what is wrong, and the cure. Asks no DNS."""
    if settings.webhook_key is None:
        raise _refused("there is no secret to sign webhooks with: its operator sets TOROUTER_WEBHOOK_SECRET")
    try:
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError) as error:  # the latter: a host in Punycode that is none
        raise _refused(f"is no URL ({error}): send one like https://example.com/webhooks") from error
    allowed = ("https", "http") if settings.webhook_private else ("https",)
    if parsed.scheme not in allowed:
        raise _refused(f"the scheme is {parsed.scheme[:20]!r}: send a URL with {' or '.join(allowed)}")
    if not host:
        raise _refused("names no host: send one like https://example.com/webhooks")
    if parsed.userinfo:
        raise _refused("has a user or a password in it: leave them out, since calls are signed")
    if not 0 < port_of(parsed) <= 65535:  # noqa: PLR2004  # TCP's
        raise _refused(f"there is no port {parsed.port}: send one up to 65535")
    _check_literal(host, settings)
    return parsed


def addresses(url: httpx.URL, settings: Settings, resolve: Resolve) -> list[str]:
    """Where the URL's host is just now; InvalidInputError unless every address is public, or private ones may be."""
    found = list(resolve(url.raw_host.decode(), port_of(url)))
    private = next((one for one in found if not is_public(ip_address(one))), None)
    if private is not None and not settings.webhook_private:
        raise _private(f"{url.host} is at {private}")
    return found


def resolved(host: str, port: int) -> list[str]:
    """The system's own resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is one machine's on the internet; of an IPv4 address inside an IPv6 one, whether that is."""
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def port_of(url: httpx.URL) -> int:
    if url.port is not None:
        return url.port
    return 443 if url.scheme == "https" else 80


def _inner(address: IPv6Address) -> IPv4Address | None:
    if any(address in network for network in EMBEDDING):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour


def _check_literal(host: str, settings: Settings) -> None:
    address = _literal(host)
    if address is not None and not is_public(address) and not settings.webhook_private:
        raise _private(str(address))


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, in any of the ways that a resolver reads one (127.1, 2130706433); None for a name."""
    with suppress(ValueError):
        return ip_address(host)
    with suppress(OSError, UnicodeError):
        return IPv4Address(socket.inet_aton(host.removesuffix(".")))
    return None


def _private(where: str) -> InvalidInputError:
    return _refused(
        f"{where}, a private address: send a public one, or its operator sets TOROUTER_WEBHOOK_PRIVATE=true"
    )


def _refused(why: str) -> InvalidInputError:
    return InvalidInputError(f"{PARAM}: {why}", param=PARAM)
