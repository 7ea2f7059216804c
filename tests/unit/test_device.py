"""What vLLM is told on a CPU, on a GPU, and about adapters at run time: as arguments, without vLLM."""

import json
from pathlib import Path

import pytest

from experts.device import GIB, cpu_settings, gpu_settings, prepare_environment
from experts.lora import Adapters, targets_of
from experts.options import VllmOptions


def test_an_engine_on_a_cpu_has_a_stated_memory_and_starts_eagerly():
    settings = cpu_settings(VllmOptions(), 72)

    assert settings["kv_cache_memory_bytes"] == GIB
    assert settings["enforce_eager"] is True
    assert cpu_settings(VllmOptions(kv_cache_gib=0.5, enforce_eager=False), 72) == settings | {
        "kv_cache_memory_bytes": GIB // 2,
        "enforce_eager": False,
    }


def test_a_pass_on_a_cpu_is_small_but_has_room_for_a_token_of_every_prompt():
    assert cpu_settings(VllmOptions(), 72)["max_num_batched_tokens"] == 512
    assert cpu_settings(VllmOptions(), 600)["max_num_batched_tokens"] == 600


def test_an_engine_on_a_gpu_compiles_and_takes_a_share_unless_it_is_told_how_much():
    settings = gpu_settings(VllmOptions(tensor_parallel_size=2))

    assert settings == {"enforce_eager": False, "gpu_memory_utilization": 0.9, "tensor_parallel_size": 2}
    assert gpu_settings(VllmOptions(kv_cache_gib=2))["kv_cache_memory_bytes"] == 2 * GIB


def test_the_operators_environment_wins_except_where_it_would_undo_the_catalogue(monkeypatch: pytest.MonkeyPatch):
    environment = {"VLLM_LOGGING_LEVEL": "DEBUG", "VLLM_CPU_KVCACHE_SPACE": "40"}
    monkeypatch.setattr("os.environ", environment)

    prepare_environment(offline=True)

    assert environment["VLLM_LOGGING_LEVEL"] == "DEBUG"
    assert "VLLM_CPU_KVCACHE_SPACE" not in environment
    assert environment["OMP_WAIT_POLICY"] == "passive"
    assert environment["HF_HUB_OFFLINE"] == "1"


def adapter(folder: Path, **config: object) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def test_adapters_change_the_modules_that_any_of_them_names(tmp_path: Path):
    one = adapter(tmp_path / "one", target_modules=["q_proj", "v_proj"])
    other = adapter(tmp_path / "other", target_modules=["model.layers.0.mlp.up_proj", "v_proj"])

    targets = targets_of([one, other])

    assert targets == ("q_proj", "up_proj", "v_proj")
    arguments = Adapters({"one": object(), "other": object()}, targets).arguments(16)
    assert arguments["lora_target_modules"] == ["q_proj", "up_proj", "v_proj"]
    assert arguments["max_loras"] == 3  # and one that stays empty, for the base


def test_a_pattern_names_no_modules(tmp_path: Path):
    assert targets_of([adapter(tmp_path / "one", target_modules=".*_proj")]) is None


@pytest.mark.parametrize(("targets", "spares"), [((), 1), (("q_proj",), 1), (("lm_head", "q_proj"), 0), (None, 0)])
def test_references_are_weighed_only_where_no_adapter_may_change_the_output(targets: tuple[str, ...], spares: int):
    assert Adapters(targets=targets).spares_head == bool(spares)


def test_without_adapters_vllm_is_told_nothing_of_them():
    assert Adapters().arguments(16) == {}
