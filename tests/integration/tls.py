"""A real Redis and a real PostgreSQL that speak TLS and ask for a password: Debian's, since those in wheels can't."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import redis
import trustme

from tests.integration.test_flower import free_port
from tests.system import as_user, until

PASSWORD = "c0rrect/h@rse:battery"
WRITTEN = "c0rrect%2Fh%40rse%3Abattery"

#: Where Debian keeps what it doesn't put on the path.
DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Certificates:
    """The authority that everybody trusts, another one, and the servers' own certificate for `localhost`."""

    folder: Path

    @property
    def trusted(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def other(self) -> Path:
        return self.folder / "other.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    @classmethod
    def make(cls, folder: Path) -> "Certificates":
        made, authority = cls(folder), trustme.CA()
        authority.cert_pem.write_to_path(made.trusted)
        trustme.CA().cert_pem.write_to_path(made.other)
        issued = authority.issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(made.certificate)
        issued.private_key_pem.write_to_path(made.key)
        made.key.chmod(0o600)
        return made


@contextmanager
def redis_server(certificates: Certificates) -> Iterator[int]:
    """Its port."""
    server = shutil.which("redis-server") or missing("redis-server")
    port = free_port()
    tls = ("cert", certificates.certificate), ("key", certificates.key), ("ca-cert", certificates.trusted)
    options = [argument for name, path in tls for argument in (f"--tls-{name}-file", str(path))]
    options += ["--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--tls-auth-clients", "no"]
    options += ["--requirepass", PASSWORD, "--save", "", "--dir", str(certificates.folder)]
    process = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL)
    client = redis.Redis("localhost", port, password=PASSWORD, ssl=True, ssl_ca_certs=str(certificates.trusted))
    until(lambda: answers(client), "Redis answers")
    yield port
    client.close()
    process.terminate()
    process.wait(30)


@contextmanager
def postgresql_server(certificates: Certificates) -> Iterator[int]:
    """Its port; user and database are `torouter`."""
    folder, port = certificates.folder / "postgresql", free_port()
    binaries = _binaries()
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    (certificates.folder / "password").write_text(PASSWORD)
    if user:
        for path in (certificates.folder, certificates.key, certificates.folder / "password"):
            shutil.chown(path, user)
        _open_above(certificates.folder)
    options = ["--username=torouter", f"--pwfile={certificates.folder / 'password'}", "--auth=scram-sha-256"]
    made = [binaries / "initdb", f"--pgdata={folder}", *options, "--no-sync", "--encoding=UTF8", "--locale=C"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=certificates.folder, **as_user(user))
    hba = certificates.folder / "hba"
    hba.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "hba_file": hba,
        "fsync": "off",
        "ssl": "on",
        "ssl_cert_file": certificates.certificate,
        "ssl_key_file": certificates.key,
    }
    chosen = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    started = [binaries / "postgres", "-D", folder, *chosen]
    with (certificates.folder / "postgresql.log").open("wb") as log:
        process = subprocess.Popen(started, cwd=folder, stdout=log, stderr=log, **as_user(user))
    url = f"postgresql://torouter:{WRITTEN}@localhost:{port}/postgres?sslmode=require"
    until(lambda: connects(url), "PostgreSQL answers")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE torouter")
    yield port
    process.terminate()
    process.wait(60)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def connects(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def missing(package: str) -> NoReturn:
    """In CI everything is there, or something is wrong."""
    told = f"no {package} on this machine: install Debian's package"
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)


def _binaries() -> Path:
    """Folder of the newest PostgreSQL."""
    found = sorted(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name))
    if found:
        return found[-1]
    server = shutil.which("initdb") or missing("postgresql")
    return Path(server).resolve().parent


def _open_above(folder: Path) -> None:
    """Let another user in, who runs the server."""
    for above in folder.parents:
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o001)
