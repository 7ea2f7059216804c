"""The file store keeps its promises on a disk and on an object store alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import NotFoundError, StoreError
from core.store.blobs import Blobs
from tests import object_store


@pytest.fixture(params=["disk", "object store"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "disk":
        yield f"file://{tmp_path / 'files'}"
        return
    with object_store.serving(monkeypatch) as url:
        yield url


@pytest.fixture
def blobs(url: str) -> Blobs:
    return Blobs(url)


def write(blobs: Blobs, key: str, data: bytes) -> None:
    with blobs.writing(key) as file:
        file.write(data)


def test_what_was_written_is_read_by_lines_and_from_any_offset(blobs: Blobs):
    write(blobs, "files/lines", b"one\ntwo\nthree\n")

    with blobs.reading("files/lines") as file:
        assert file.readline(100) == b"one\n"
        file.seek(8)
        assert file.read() == b"three\n"


def test_a_folder_comes_back_as_it_was(blobs: Blobs, tmp_path: Path):
    source = tmp_path / "checkpoint"
    (source / "encoder").mkdir(parents=True)
    (source / "manifest.json").write_text("{}")
    (source / "encoder" / "weights").write_bytes(bytes(range(256)))

    blobs.put(source, "checkpoints/one")
    blobs.fetch("checkpoints/one", tmp_path / "copy")

    assert (tmp_path / "copy" / "manifest.json").read_text() == "{}"
    assert (tmp_path / "copy" / "encoder" / "weights").read_bytes() == bytes(range(256))


def test_another_process_file_is_seen_after_a_listing(url: str, blobs: Blobs):
    write(blobs, "files/mine", b"mine")
    assert list(blobs.old_keys("files", 0)) == ["files/mine"]

    object_store.forget_clients()  # the other process's knows nothing of our listing
    write(Blobs(url), "files/theirs", b"theirs")

    with blobs.reading("files/theirs") as file:
        assert file.read() == b"theirs"
    assert sorted(blobs.old_keys("files", 0)) == ["files/mine", "files/theirs"]


def test_a_file_whose_writer_failed_is_not_there(blobs: Blobs):
    with pytest.raises(TypeError), blobs.writing("files/half") as file:
        file.writelines([b"half", None])

    with pytest.raises(NotFoundError), blobs.reading("files/half"):
        pass


def test_deleting_what_is_not_there_does_no_harm(blobs: Blobs):
    blobs.delete("files/never")


def test_fetching_what_is_not_there_says_so(blobs: Blobs, tmp_path: Path):
    with pytest.raises(NotFoundError, match="TOROUTER_FILES_URL"):
        blobs.fetch("checkpoints/never", tmp_path / "copy")


def test_an_object_store_that_is_away_is_a_store_error(monkeypatch: pytest.MonkeyPatch):
    object_store.forget_clients()
    for name, value in (
        object_store.CLIENT | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    ).items():
        monkeypatch.setenv(name, value)
    blobs = Blobs("s3://torouter/files")
    monkeypatch.setattr(blobs._filesystem, "retries", 1)

    with pytest.raises(StoreError, match="the file store refused files/one"), blobs.reading("files/one"):
        pass
    with pytest.raises(StoreError, match="the file store refused files/one"), blobs.writing("files/one") as file:
        file.write(b"one")
    with pytest.raises(StoreError, match="the file store refused files"):
        list(blobs.old_keys("files", 0))
