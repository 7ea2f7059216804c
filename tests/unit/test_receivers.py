"""Who may be called by a webhook, as far as it can be told without a network."""

from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from core.errors import InvalidInputError
from tests.webhook_factories import SECRET, settings
from workers.receivers import addresses, check_url, is_public

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_on_the_internet_is_private(address: str):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_internet_is_public(address: str):
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://example.com/", "scheme is 'http': send a URL with https"),
        ("ftp://example.com/", "scheme is 'ftp'"),
        ("example.com/webhooks", "scheme is ''"),
        ("nonsense", "scheme is ''"),
        ("https://example.com\n/", "is no URL"),
        ("https:///webhooks", "names no host"),
        ("https://user:hunter2@example.com/", "a user or a password"),
        ("https://example.com:0/", "no port 0"),
        ("https://example.com:99999/", "no port 99999"),
        ("https://10.0.0.1/", r"10.0.0.1, a private address: .* TOROUTER_WEBHOOK_PRIVATE=true"),
        ("https://[::1]:8443/", "::1, a private address"),
        ("https://[::ffff:127.0.0.1]/", "a private address"),
        ("https://2130706433/", "127.0.0.1, a private address"),
        ("https://127.1/", "127.0.0.1, a private address"),
        ("https://0x7f.0.0.1./", "127.0.0.1, a private address"),
        ("https://xn--/", "is no URL"),
    ],
)
def test_a_url_that_cannot_be_called_is_refused_with_the_cure(url: str, told: str, tmp_path: Path):
    with pytest.raises(InvalidInputError, match=told) as refused:
        check_url(url, settings(tmp_path, webhook_private=False))

    assert refused.value.param == "webhook_url"
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://example.com/a?b=c", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/"])
def test_a_public_url_is_taken_as_it_is(url: str, tmp_path: Path):
    assert str(check_url(url, settings(tmp_path, webhook_private=False))) == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/", "http://receiver/", "https://[::1]/"])
def test_private_receivers_are_called_where_the_operator_says_so(url: str, tmp_path: Path):
    assert check_url(url, settings(tmp_path))


def test_without_a_secret_there_are_no_webhooks(tmp_path: Path):
    with pytest.raises(InvalidInputError, match="TOROUTER_WEBHOOK_SECRET"):
        check_url("https://example.com/", settings(tmp_path, webhook_secret=None))


@pytest.mark.parametrize("private", PRIVATE)
def test_a_name_with_one_private_address_is_refused(private: str, tmp_path: Path):
    def resolve(host: str, port: int) -> list[str]:
        assert (host, port) == ("example.com", 443)
        return ["8.8.8.8", private]

    with pytest.raises(InvalidInputError, match=r"example.com is at .*, a private address"):
        addresses(httpx.URL("https://example.com/"), settings(tmp_path, webhook_private=False), resolve)


def test_a_name_with_public_addresses_is_called_at_these(tmp_path: Path):
    found = addresses(httpx.URL("https://example.com/"), settings(tmp_path, webhook_private=False), lambda *_: PUBLIC)

    assert found == PUBLIC


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64", SECRET[6:], f"x{SECRET}", "whsec_ä"]
)
def test_what_is_no_secret_is_refused(secret: str, tmp_path: Path):
    with pytest.raises(ValueError, match="whsec_") as refused:
        settings(tmp_path, webhook_secret=secret)

    assert not secret or repr(secret) not in str(refused.value)
