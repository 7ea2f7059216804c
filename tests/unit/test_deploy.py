"""Images, compose files and units, held by the tools that read them, and by what torouter really has."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement

from api.cli.main import app
from core.settings import Settings
from experts import catalogue
from tests import helm

DEPLOY = Path(__file__).parents[2] / "deploy"
IMAGES = sorted((DEPLOY / "images").glob("*.Dockerfile"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SCRIPTS = Path(sys.executable).parent

#: Of compose.production.yaml.
SITE = {"DOMAIN": "torouter.example.com", "EMAIL": "operator@example.com"}

Compose = dict[str, Any]


def tool(name: str) -> str:
    """A program of the virtual environment, or of the machine."""
    found = shutil.which(name, path=f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"there is no {name}")
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as an operator has it: settings copied, passwords made."""
    folder = tmp_path_factory.mktemp("site") / "deploy"
    shutil.copytree(DEPLOY, folder, ignore=shutil.ignore_patterns("secrets", ".env"))
    shutil.copy(folder / ".env.example", folder / ".env")
    subprocess.run([folder / "secrets.sh"], check=True, capture_output=True)
    return folder


def composed(site: Path, *arguments: str) -> Compose:
    """What Docker Compose makes of the files."""
    command = [tool("docker-compose"), "--project-directory", str(site), *arguments, "config", "--format", "json"]
    done = subprocess.run(command, cwd=site, env={**os.environ, **SITE}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: Compose = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def everything(site: Path) -> Compose:
    return composed(site, "--profile", "*")


@pytest.fixture(scope="module")
def production(site: Path) -> Compose:
    return composed(site, "--file", "compose.yaml", "--file", "compose.production.yaml", "--profile", "cpu")


def ours(compose: Compose) -> Iterator[tuple[str, Compose]]:
    for name, service in compose["services"].items():
        if service["image"].startswith("torouter-"):
            yield name, service


@pytest.mark.parametrize("dockerfile", IMAGES, ids=lambda path: path.name)
def test_an_image_is_made_as_the_linter_wants_it(dockerfile: Path):
    done = subprocess.run([tool("hadolint"), dockerfile], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("dockerfile", IMAGES, ids=lambda path: path.name)
def test_an_image_starts_torouter_itself_and_not_as_root(dockerfile: Path):
    stages = re.split(r"^FROM ", dockerfile.read_text(), flags=re.MULTILINE)[1:]
    final = [stage for stage in stages if "ENTRYPOINT" in stage]

    assert final
    for stage in final:
        assert re.findall(r"^ENTRYPOINT (.*)$", stage, flags=re.MULTILINE) == ['["torouter"]']
        assert re.findall(r"^USER (.*)$", stage, flags=re.MULTILINE) == ["10001:10001"]


@pytest.mark.parametrize("dockerfile", IMAGES, ids=lambda path: path.name)
def test_an_image_asks_for_extras_that_there_are(dockerfile: Path):
    known = importlib.metadata.metadata("torouter").get_all("Provides-Extra") or []
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]

    asked = {name for extras in re.findall(r'"\.\[(.*?)\]"', dockerfile.read_text()) for name in extras.split(",")}

    assert asked
    assert asked <= {*project["optional-dependencies"], *known}


def test_the_images_versions_are_what_the_project_allows():
    lines = (DEPLOY / "images" / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]
    extras = (project["optional-dependencies"][name] for name in ("router", "remote", "s3", "traces"))
    wanted = [Requirement(one) for one in sum(extras, project["dependencies"])]

    assert all(one.specifier.contains(pinned[one.name]) for one in wanted), wanted


def test_compose_takes_every_profile(everything: Compose):
    names = {spec.name for spec in catalogue.load(catalogue.SHIPPED)}

    assert names | {f"{name}-gpu" for name in names} <= set(everything["services"])
    for name in names:
        assert everything["services"][name]["command"] == ["work", "expert", name]
        gpu = everything["services"][f"{name}-gpu"]
        assert gpu["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"


def test_every_container_is_locked_down(everything: Compose, production: Compose):
    for name, service in {**everything["services"], **production["services"]}.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_nothing_is_open_but_to_this_machine_and_in_production_the_proxy(everything: Compose, production: Compose):
    ports = [(port["host_ip"], name) for name, one in everything["services"].items() for port in one.get("ports", [])]
    public = {
        name
        for name, one in production["services"].items()
        for port in one.get("ports", [])
        if port.get("host_ip") != "127.0.0.1"
    }

    assert {host for host, _ in ports} == {"127.0.0.1"}
    assert public == {"caddy"}


def test_everything_starts_after_the_migrations_and_has_time_to_end(everything: Compose):
    for name, service in ours(everything):
        if name in {"migrate", "catalogue"}:
            continue
        assert service["depends_on"]["catalogue"]["condition"] == "service_completed_successfully", name
        assert service["stop_grace_period"] == "2m30s", name
        assert service["environment"]["TOROUTER_DRAIN_S"] == "120", name


def test_no_password_is_in_the_compose_file(site: Path, everything: Compose):
    text = json.dumps(everything)
    secrets = {path.name: path.read_text().strip() for path in (site / "secrets").iterdir()}

    assert set(everything["secrets"]) == set(secrets)
    assert not [name for name, secret in secrets.items() if secret and secret in text]


def test_passwords_are_kept_when_they_are_made_again(site: Path):
    before = (site / "secrets" / "torouter_database_url").read_text()

    subprocess.run([site / "secrets.sh"], check=True, capture_output=True)

    assert (site / "secrets" / "torouter_database_url").read_text() == before
    assert (site / "secrets" / "postgres_password").read_text().strip() in before
    assert (site / "secrets").stat().st_mode & 0o077 == 0


def test_secrets_are_settings(site: Path, monkeypatch: pytest.MonkeyPatch):
    for name in list(os.environ):
        if name.startswith("TOROUTER_"):
            monkeypatch.delenv(name)

    settings = Settings(_secrets_dir=site / "secrets")

    assert settings.database.startswith("postgresql://torouter:")
    assert settings.broker.startswith("redis://:")
    assert settings.webhook_key is not None


def test_settings_and_commands_are_torouters_own(everything: Compose, tmp_path: Path):
    told = {key for _, service in ours(everything) for key in service["environment"] if key.startswith("TOROUTER_")}
    told |= set(re.findall(r"TOROUTER_\w+", "".join(unit.read_text() for unit in UNITS)))
    told |= set(re.findall(r"^#?(TOROUTER_\w+)=", (DEPLOY / "systemd" / "torouter.env").read_text(), re.MULTILINE))
    commands = [service["command"] for _, service in ours(everything)]
    commands += [line.split()[1:] for unit in UNITS for line in _values(unit, "ExecStart")]
    if (binary := helm.binary(tmp_path)) is not None:
        manifests = helm.rendered(binary, "--values", str(Path(__file__).with_name("chart_values.yaml")))
        templates = [m["spec"]["template"]["spec"] for m in manifests if m["kind"] in {"Deployment", "Job"}]
        containers = [one for pod in templates for one in pod["containers"] + pod.get("initContainers", [])]
        commands += [one["args"] for one in containers if "args" in one]
        told |= {env["name"] for one in containers for env in one.get("env", []) if env["name"].startswith("TOROUTER_")}

    names = {name.removeprefix("TOROUTER_").lower() for name in told} - {"secrets_dir"}
    assert names <= set(Settings.model_fields)
    for command in commands:
        assert _exists(command), command


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_a_unit(unit: Path, tmp_path: Path):
    instance = tmp_path / unit.name.replace("@.", "@math.")
    instance.write_text(unit.read_text().replace("/opt/torouter/bin/torouter", "/bin/true"))
    for other in (*UNITS, DEPLOY / "systemd" / "torouter.target"):
        text = other.read_text().replace("/opt/torouter/bin/torouter", "/bin/true")
        (tmp_path / other.name).write_text(text)

    done = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", instance], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_lets_its_process_drain_and_gives_it_no_rights(unit: Path):
    assert _values(unit, "User") == ["torouter"]
    assert _values(unit, "NoNewPrivileges") == ["yes"]
    assert _values(unit, "ProtectSystem") == ["strict"]
    if _values(unit, "ExecStart")[0].split()[1] in {"serve", "work"}:
        drain = re.search(r"^TOROUTER_DRAIN_S=(\d+)", (DEPLOY / "systemd" / "torouter.env").read_text(), re.MULTILINE)
        assert drain is not None
        assert int(_values(unit, "TimeoutStopSec")[0]) >= int(drain[1]) + 30


def test_prometheus_looks_at_every_worker_of_the_compose_file(everything: Compose):
    found = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    names = {name for job in found["scrape_configs"] for one in job["dns_sd_configs"] for name in one["names"]}
    workers = {name for name, service in ours(everything) if service["command"][0] in {"work", "serve"}}

    assert names == workers


def _exists(command: list[str]) -> bool:
    """Whether torouter has this command, which takes so many arguments."""
    found: Any = typer.main.get_command(app)  # Any: typer may bring a click of its own
    rest = list(command)
    while rest and hasattr(found, "commands"):
        if rest == ["%i"]:  # systemd's own, which says which
            return True
        found = found.commands.get(rest.pop(0))
    if found is None or hasattr(found, "commands"):
        return False
    return any(one.param_type_name == "argument" for one in found.params) == bool(rest)


def _values(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), flags=re.MULTILINE)
