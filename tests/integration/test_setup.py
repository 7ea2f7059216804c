"""`deploy/setup.sh` with a Python that makes and installs nothing: when it works, when it doesn't, what it says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Makes virtual environments of itself, notes what it is asked to, and fails to install while there is a file `broken`.
PYTHON = """#!/bin/bash
case "$*" in
--version) echo Python 3.12.0 ;;
*"import pip"*) [[ ! -e gone ]] ;;
"-m venv --clear .venv") echo venv >>asked; rm -rf .venv gone; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
*" -e "*) echo install >>asked; [[ ! -e broken ]] ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    shutil.copytree(ROOT / "deploy", project / "deploy")
    shutil.copy(ROOT / "pyproject.toml", project)
    for name, text in (("python", PYTHON), ("sleep", "#!/bin/bash\n")):
        (project / name).write_text(text)
        (project / name).chmod(0o755)
    return project


def setup(project: Path, device: str = "cpu") -> subprocess.CompletedProcess[str]:
    path = f"{project}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHON": str(project / "python"), "TOROUTER_DEVICE": device}
    (project / "asked").write_text("")
    return subprocess.run(
        ["bash", project / "deploy" / "setup.sh"], env=environment, capture_output=True, text=True, check=False
    )


def asked(project: Path) -> list[str]:
    return (project / "asked").read_text().split()


def test_what_is_there_is_not_installed_again(project: Path) -> None:
    first = setup(project)
    asked_first = asked(project)
    second = setup(project)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert asked_first == ["venv", "install"]
    assert asked(project) == []


def test_an_environment_whose_python_is_gone_is_made_anew(project: Path) -> None:
    setup(project)
    (project / "gone").touch()

    assert setup(project).returncode == 0

    assert asked(project) == ["venv", "install"]


def test_an_environment_that_was_moved_is_made_anew(project: Path) -> None:
    setup(project)
    moved = project.rename(project.with_name("moved"))

    assert setup(moved).returncode == 0

    assert asked(moved) == ["venv", "install"]


def test_an_interrupted_installation_for_another_device_is_made_anew(project: Path) -> None:
    (project / "broken").touch()
    setup(project, "gpu")
    (project / "broken").unlink()

    assert setup(project, "cpu").returncode == 0

    assert asked(project) == ["venv", "install"]


def test_a_failure_that_says_nothing_is_still_reported(project: Path) -> None:
    (project / "broken").touch()

    failed = setup(project)

    assert failed.returncode == 1
    assert "all it said is in .venv/setup.log" in failed.stderr
