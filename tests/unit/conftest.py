"""What tests of trained networks share. torch is imported for those who ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.router_factories import topic_rows, write_tiny_encoder


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """A tiny network gains nothing from more, and loses much where the machine is busy."""
    import torch  # noqa: PLC0415  # see above

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are served by torch: converting one takes a second or two, and these tests load dozens."""
    from router import device  # noqa: PLC0415  # torch

    place = device.serving().with_torch()
    monkeypatch.setattr(device, "serving", lambda: place)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an encoder that knows the words of `topic_rows(60)`."""
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder"), [one.prompt for one in topic_rows(60)])
