"""What is too big for a row: bytes under keys, on a disk or in object storage, by an fsspec URL."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import IO

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from core.errors import ConfigError, NotFoundError, StoreError, StoreRefusedError

#: Bytes of a remote file that are read at once.
BUFFER = 1 << 20


class Blobs:
    """Keys are paths of plain names; nothing that a caller sends becomes one."""

    def __init__(self, url: str) -> None:
        try:
            filesystem, root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"TOROUTER_FILES_URL={url!r}: {error}; use file:///PATH or an fsspec URL like s3://…"
            ) from error
        self._filesystem: fsspec.AbstractFileSystem = filesystem
        self._root = PurePosixPath(root)

    def put(self, folder: Path, key: str) -> None:
        """Copy the files of a folder under `key`."""
        target = self._root / key
        self._filesystem.makedirs(str(target), exist_ok=True)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            place = target / file.relative_to(folder).as_posix()
            self._filesystem.makedirs(str(place.parent), exist_ok=True)
            self._filesystem.put_file(str(file), str(place))

    def fetch(self, key: str, folder: Path) -> None:
        """Copy what is under `key` into a folder."""
        source = self._root / key
        found = self._filesystem.find(str(source))
        if not found:
            raise NotFoundError(f"nothing is stored under {key!r}: was TOROUTER_FILES_URL changed?")
        for name in found:
            inside = PurePosixPath(name).relative_to(source)
            if ".." in inside.parts:  # object storage has names, and no folders
                raise StoreRefusedError(f"{name!r} would leave the folder of {key!r}: delete it from the file store")
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
            self._filesystem.makedirs(str(PurePosixPath(place).parent), exist_ok=True)
            with self._filesystem.open(place, "wb") as file:
                yield file
                if self._is_local:
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            self.delete(key)
            raise StoreError(f"the file store refused {key}: {error.strerror or error}") from error
        except BaseException:
            self.delete(key)
            raise

    @contextmanager
    def reading(self, key: str) -> Iterator[IO[bytes]]:
        """A file's bytes, from any offset; NotFoundError where it is gone."""
        try:
            with self._filesystem.open(str(self._root / key), "rb") as file:
                # fsspec's own buffered files can't read a line up to a length.
                yield file if self._is_local else io.BufferedReader(file, BUFFER)
        except FileNotFoundError as error:
            raise NotFoundError("its bytes are gone: was TOROUTER_FILES_URL changed?", param="id") from error

    def delete(self, key: str) -> None:
        """Also of what is not there."""
        with suppress(FileNotFoundError):
            self._filesystem.rm(str(self._root / key))

    def old_keys(self, folder: str, older_s: float) -> Iterator[str]:
        """Keys in a folder that were written at least so long ago."""
        root, before = str(self._root), datetime.now(UTC) - timedelta(seconds=older_s)
        for name in self._filesystem.find(f"{root}/{folder}"):
            with suppress(FileNotFoundError):  # deleted meanwhile
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
