"""What is too big for a row: bytes under keys, on a disk or in object storage, by an fsspec URL."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import IO, Final

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from core.errors import ConfigError, NotFoundError, StoreError, StoreRefusedError

#: Bytes of a remote file that are read at once.
BUFFER = 1 << 20

#: Libraries beneath fsspec with errors of their own besides those that it makes an OSError.
LIBRARIES: Final = {"aiohttp", "azure", "botocore", "gcsfs"}


class Blobs:
    """Keys are paths of plain names; nothing that a caller sends becomes one."""

    def __init__(self, url: str) -> None:
        try:
            # Other processes write there too: a listing that was kept would hide their files for ever.
            filesystem, root = url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"TOROUTER_FILES_URL ({url.partition(':')[0]}:…): {error}; use file:///PATH or an fsspec URL like s3://…"
            ) from error
        self._filesystem: fsspec.AbstractFileSystem = filesystem
        self._root = PurePosixPath(root)

    def put(self, folder: Path, key: str) -> None:
        """Copy the files of a folder under `key`."""
        target = self._root / key
        with _ours(key):
            self._filesystem.makedirs(str(target), exist_ok=True)
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                place = target / file.relative_to(folder).as_posix()
                self._filesystem.makedirs(str(place.parent), exist_ok=True)
                self._filesystem.put_file(str(file), str(place))

    def fetch(self, key: str, folder: Path) -> None:
        """Copy what is under `key` into a folder."""
        source = self._root / key
        with _ours(key):
            found = self._filesystem.find(str(source))
            if not found:
                raise NotFoundError(f"nothing is stored under {key!r}: was TOROUTER_FILES_URL changed?")
            for name in found:
                inside = PurePosixPath(name).relative_to(source)
                if ".." in inside.parts:  # object storage has names, and no folders
                    told = f"{name!r} would leave the folder of {key!r}: delete it from the file store"
                    raise StoreRefusedError(told)
                place = folder / inside
                place.parent.mkdir(parents=True, exist_ok=True)
                self._filesystem.get_file(name, str(place))

    @contextmanager
    def writing(self, key: str) -> Iterator[IO[bytes]]:
        """A new file's bytes, on the disk when the body has ended well, and gone where it has not.

        StoreError where they can't be written, as on a full disk.
        """
        place = str(self._root / key)
        try:
            with _ours(key):
                self._filesystem.makedirs(str(PurePosixPath(place).parent), exist_ok=True)
                with self._filesystem.open(place, "wb") as file:
                    yield file
                    if self._is_local:
                        file.flush()
                        os.fsync(file.fileno())
        except BaseException:
            with suppress(StoreError):  # where it refused the file, it may refuse this
                self.delete(key)
            raise

    @contextmanager
    def reading(self, key: str) -> Iterator[IO[bytes]]:
        """A file's bytes, from any offset; NotFoundError where it is gone, StoreError where it can't be read now."""
        with _ours(key):
            try:
                with self._filesystem.open(str(self._root / key), "rb") as file:
                    # fsspec's own buffered files can't read a line up to a length.
                    yield file if self._is_local else io.BufferedReader(file, BUFFER)
            except FileNotFoundError as error:
                raise NotFoundError("its bytes are gone: was TOROUTER_FILES_URL changed?", param="id") from error

    def delete(self, key: str) -> None:
        """Also of what is not there."""
        with _ours(key), suppress(FileNotFoundError):
            self._filesystem.rm(str(self._root / key))

    def old_keys(self, folder: str, older_s: float) -> Iterator[str]:
        """Keys in a folder that were written at least so long ago."""
        root, before = str(self._root), datetime.now(UTC) - timedelta(seconds=older_s)
        with _ours(folder):
            found = self._filesystem.find(f"{root}/{folder}")
        for name in found:
            with _ours(name), suppress(FileNotFoundError):  # deleted meanwhile
                if self._filesystem.modified(name) < before:
                    yield str(PurePosixPath(name).relative_to(root))

    def free_bytes(self) -> int | None:
        """Room on the disk; None for object storage."""
        if not self._is_local:
            return None
        place = Path(str(self._root))
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    @property
    def _is_local(self) -> bool:
        return isinstance(self._filesystem, LocalFileSystem)


@contextmanager
def _ours(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _refused(key, error.strerror or str(error)) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in LIBRARIES:
            raise  # not the file store's
        raise _refused(key, str(error)) from error


def _refused(key: str, why: str) -> StoreError:
    return StoreError(f"the file store refused {key}: {why}")
