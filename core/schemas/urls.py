"""URLs of databases, brokers and file stores, which may hold a password: read so that every library reads the same."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator

#: Names of parameters, and of environment variables, that hold a secret.
SECRET_NAME: Final = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD)$|^pass", re.IGNORECASE)

#: Redis over TLS.
TLS: Final = "rediss"

#: What kombu hands on to redis-py of such a URL's parameters; files first.
TLS_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
TLS_OPTIONS: Final = frozenset({*TLS_FILES, "ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_path"})
REQUIREMENTS: Final = ("required", "optional", "none", "CERT_REQUIRED", "CERT_OPTIONAL", "CERT_NONE")


def passwords_of(url: str) -> Iterator[str]:
    """Its password, as it is written and as it is meant, and secret parameters; some may be empty."""
    for one in url.split(";"):  # Celery takes several brokers
        parts = urlsplit(one)
        password = parts.netloc.rpartition("@")[0].partition(":")[2]
        yield from (password, unquote(password))
        yield from (value for name, value in parse_qsl(parts.query) if SECRET_NAME.search(name))


def verifying(url: str) -> str:
    """The URL of a broker that shows its certificate, where nothing else is said: kombu would take any."""
    return ";".join(
        f"{one}{'&' if '?' in one else '?'}ssl_cert_reqs=required" if _says_nothing(one) else one
        for one in url.split(";")
    )


def _says_nothing(url: str) -> bool:
    return urlsplit(url).scheme == TLS and "ssl_cert_reqs=" not in url


def _readable(url: str) -> str:
    """A URL in which everybody finds the same password and host; a library would say what it took for a host."""
    for one in url.split(";"):
        try:
            parts = urlsplit(one)
            _ = parts.port  # ValueError where a password was taken for it
            cut = ":" in parts.netloc and "@" in f"{parts.path}{parts.query}{parts.fragment}"
            doubtful = cut or "@" in parts.netloc.rpartition("@")[0]
        except ValueError:
            doubtful = True
        if doubtful:
            raise ValueError(
                "can't be read: write characters of a password that mean something in URLs as % and their code "
                "(%40 for @, %2F for /, %3A for :, %23 for #, %3F for ?)"
            )
    return url


def _with_tls(url: str) -> str:
    """A broker's URL whose TLS parameters there are, and whose files too."""
    for one in url.split(";"):
        if urlsplit(one).scheme == TLS:
            for name, value in parse_qsl(urlsplit(one).query, keep_blank_values=True):
                _check(name, value)
    return url


def _check(name: str, value: str) -> None:
    if name.startswith("ssl_") and name not in TLS_OPTIONS:
        raise ValueError(f"has no parameter {name[:40]}: there are {', '.join(sorted(TLS_OPTIONS))}")
    if name == "ssl_cert_reqs" and value not in REQUIREMENTS:
        raise ValueError(f"ssl_cert_reqs={value[:40]} is none of required, optional and none")
    if name in TLS_FILES and not Path(value).is_file():
        raise ValueError(f"{name}={value[:200]}: there is no such file")


#: It is in no `repr` of settings, and no error says it.
Url = Annotated[str, AfterValidator(_readable)]
BrokerUrl = Annotated[Url, AfterValidator(_with_tls)]
