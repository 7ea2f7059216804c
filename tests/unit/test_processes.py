"""Names of workers, and the files that say they are ready."""

from pathlib import Path

import pytest

from core.errors import UnknownExpertError
from core.settings import Settings
from core.store import Store
from workers import processes
from workers.processes import expert_worker_name, ready_file


def test_every_group_of_experts_has_a_name_of_its_own_that_a_file_can_have():
    many = [f"{number:02}-{'x' * 37}" for number in range(30)]
    groups = [["a", "b"], ["a-b"], ["a-b", "c"], ["a", "b-c"], many, many[:-1], [*many[:-1], "other"]]

    names = [expert_worker_name(group) for group in groups]

    assert len(set(names)) == len(groups)
    assert max(map(len, names)) < 200


def test_a_worker_is_not_ready_while_it_starts_whatever_a_killed_one_left_behind(tmp_path: Path):
    settings = Settings(home=tmp_path)
    store = Store.of(settings)
    store.schema.upgrade()
    ready = ready_file(settings, "expert-nobody")
    ready.parent.mkdir()
    ready.write_text("1")

    with pytest.raises(UnknownExpertError):
        processes.expert(settings, ["nobody"])

    assert not ready.exists()
    store.close()
