"""A small disk that can be full: a tmpfs where this user may mount one, else a plain folder that never is."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Bytes of the disk that holds the database, the files, the broker's data and the logs.
SIZE = 800 * 2**20


class Disk:
    """A folder, and a file that takes all the room when it is to be full."""

    def __init__(self, folder: Path, *, small: bool) -> None:
        self.folder = folder
        self.small = small
        #: Whether what is on it is copied before it goes.
        self.keep = False
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("ab", buffering=0) as file:
            while (free := self._free()) > 0:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)
                except OSError:  # somebody else was faster
                    continue

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def _free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """Mounted at a folder of its own for as long as the body lasts."""
    folder.mkdir(parents=True)
    mounted = os.geteuid() == 0 and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode  # fmt: skip
    made = Disk(folder, small=mounted)
    try:
        yield made
    finally:
        if made.keep:
            shutil.copytree(folder, folder.with_name("kept"), ignore=shutil.ignore_patterns("*.sock", ".s.*"))
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
