"""Which code made a number: versions of what it ran on, and the commit where the code is a git checkout."""

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("torouter", "torch", "transformers", "openvino", "numpy")


def versions() -> dict[str, str]:
    """Installed versions by package, and Python's; what isn't installed is left out."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """The commit of this code, with `-dirty` where files differ from it; None outside a checkout."""
    root = Path(__file__).parents[1]
    git = shutil.which("git")
    # Looking for .git here and not above: an installed copy may lie inside somebody else's repository.
    if git is None or not (root / ".git").exists():
        return None
    command = [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return done.stdout.strip() or None if done.returncode == 0 else None
