"""Make a folder once, however many processes ask for it at a time and whenever one of them is killed."""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def once(target: Path, build: Callable[[Path], None]) -> Path:
    """The folder `target`, filled by `build` if it isn't there yet.

    `build` fills a temporary folder beside it, which is then renamed: what has the name is complete. Others wait on a
    lock meanwhile, which the kernel opens when its holder dies; it only saves work, the rename alone keeps it right.
    """
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.with_name(f".{target.name}.lock")):
        if not target.is_dir():
            _build(target, build)
    return target


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _build(target: Path, build: Callable[[Path], None]) -> None:
    prefix = f".{target.name}.part-"
    for left in target.parent.glob(f"{prefix}*"):  # by a killed process: nobody else builds while we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        build(part)
        part.chmod(0o755)  # mkdtemp's is for its owner only; an image's cache is read by others
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
