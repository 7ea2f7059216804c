"""Redis and PostgreSQL over TLS, with passwords in their URLs: the whole way of a prompt, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api import broker
from api.rates import Rates
from core.errors import NotReadyError, StoreError
from core.settings import Settings
from core.store import Store
from tests.factories import OWNER, expert, prompt
from tests.integration import tls
from tests.integration.test_flower import LOGIN, answers, free_port
from tests.integration.tls import PASSWORD, WRITTEN, Certificates
from tests.system import System, until
from workers.app import depth


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def redis_port(certificates: Certificates) -> Iterator[int]:
    with tls.redis_server(certificates) as port:
        yield port


@pytest.fixture(scope="module")
def postgresql_port(certificates: Certificates) -> Iterator[int]:
    with tls.postgresql_server(certificates) as port:
        yield port


@pytest.fixture
def system(certificates: Certificates, redis_port: int, postgresql_port: int, tmp_path: Path) -> Iterator[System]:
    settings = Settings(
        home=tmp_path,
        broker_url=f"rediss://:{WRITTEN}@localhost:{redis_port}/0?ssl_ca_certs={certificates.trusted}",
        database_url=f"postgresql://torouter:{WRITTEN}@localhost:{postgresql_port}/torouter"
        f"?sslmode=verify-full&sslrootcert={certificates.trusted}",
        flower_port=free_port(),
        flower_auth=":".join(LOGIN),
    )
    system = System(settings, [expert("a")])
    yield system
    system.stop_all()


def test_a_prompt_goes_its_whole_way_over_tls(system: System, tmp_path: Path):
    settings = system.settings
    system.promote_random(tmp_path / "checkpoint", "a")
    system.start_process("flower", "flower")
    system.start("routing", "recovery", "expert a")

    batch = system.submit(prompt(), prompt("another"))
    system.ended(batch)

    assert system.store.batches.get(batch, OWNER).done == 2
    assert depth(system.sender._celery, "route.interactive") == 0
    broker.reach(settings.broker)
    assert Rates(settings.broker).take("key_1", 3).left == 2
    url = f"http://127.0.0.1:{settings.flower_port}"
    with httpx.Client(base_url=url, auth=LOGIN, trust_env=False, timeout=30) as flower:
        until(lambda: answers(flower), "Flower answers")
        until(lambda: flower.get("/api/workers?refresh=1").json() != {}, "Flower knows the workers")
        queues = flower.get("/api/queues/length")
    assert {"name": "route.interactive", "messages": 0} in queues.json()["active_queues"], system.log("flower")
    assert "Unable to get queues" not in system.log("flower")
    assert not any("h@rse" in system.log(name) or "h%40rse" in system.log(name) for name in system.names())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("rediss://:wr0ng@localhost:{port}/0?ssl_ca_certs={trusted}", "invalid username-password pair"),
        ("rediss://localhost:{port}/0?ssl_ca_certs={trusted}", "Authentication required"),
        ("rediss://:{password}@localhost:{port}/0?ssl_ca_certs={other}", "certificate verify failed"),
        ("rediss://:{password}@localhost:{port}/0", "certificate verify failed"),
        ("rediss://:{password}@127.0.0.1:{port}/0?ssl_ca_certs={trusted}", "IP address mismatch"),
        ("redis://:{password}@localhost:{port}/0", "rediss://… where it speaks TLS"),
    ],
    ids=["wrong password", "no password", "another authority", "no authority", "another host", "no TLS"],
)
def test_a_broker_that_must_not_be_trusted_or_does_not_trust_us_is_said_in_a_line(
    url: str, told: str, redis_port: int, certificates: Certificates, tmp_path: Path
):
    given = {"trusted": certificates.trusted, "other": certificates.other, "password": WRITTEN}
    settings = Settings(home=tmp_path, broker_url=url.format(port=redis_port, **given))

    with pytest.raises(NotReadyError, match=told) as error:
        broker.reach(settings.broker)

    said = str(error.value)
    assert "TOROUTER_BROKER_URL" in said
    assert_plain(said)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://torouter:wr0ng@localhost:{port}/torouter?sslmode=verify-full&sslrootcert={trusted}", "password"),
        ("postgresql://torouter:{password}@localhost:{port}/torouter?sslmode=verify-full&sslrootcert={other}", "certi"),
        (
            "postgresql://torouter:{password}@127.0.0.1:{port}/torouter?sslmode=verify-full&sslrootcert={trusted}",
            "match",
        ),
        (
            "postgresql://torouter:{password}@localhost:{port}/torouter?sslmode=verify-full&sslrootcert=/nowhere",
            "/nowhere",
        ),
        ("postgresql://torouter:{password}@localhost:{port}/torouter?sslmode=disable", "no encryption"),
        ("postgresql://torouter:{password}@localhost:{port}/torouter?sslmode=perhaps", "sslmode"),
    ],
    ids=["wrong password", "another authority", "another host", "no authority", "no TLS", "nonsense"],
)
def test_a_database_that_must_not_be_trusted_or_does_not_trust_us_is_said_in_a_line(
    url: str, told: str, postgresql_port: int, certificates: Certificates, tmp_path: Path
):
    given = {"trusted": certificates.trusted, "other": certificates.other, "password": WRITTEN}
    store = Store.of(Settings(home=tmp_path, database_url=url.format(port=postgresql_port, **given)))

    with pytest.raises(StoreError, match=told) as error:
        store.schema.check()

    store.close()
    said = str(error.value)
    assert "TOROUTER_DATABASE_URL" in said
    assert_plain(said)


def assert_plain(said: str) -> None:
    assert "\n" not in said
    assert not any(part in said for part in (PASSWORD, WRITTEN, "wr0ng", "h@rse", "h%40rse"))
