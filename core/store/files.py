"""What is too big for a row: folders under keys, on a disk or in object storage, by an fsspec URL."""

from pathlib import Path, PurePosixPath

import fsspec
from fsspec.core import url_to_fs

from core.errors import ConfigError, NotFoundError


class Files:
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
            place = folder / PurePosixPath(name).relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            self._filesystem.get_file(name, str(place))
