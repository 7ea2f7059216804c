"""What vLLM is told differently on a CPU and on a GPU: the only place that knows.

The CPU's settings were measured on 2 cores. The GPU's were written from vLLM's documentation and source
(0.32) and have not been run on a GPU.
"""

import os
from typing import Any, Final

from experts.options import VllmOptions

GIB: Final = 1024**3

#: GiB of KV cache on a CPU unless the entry says; vLLM's own default is a share of the machine, whoever else needs it.
CPU_KV_CACHE_GIB: Final = 1.0

#: Most tokens of one pass on a CPU. Weighing references holds a number for every token of the vocabulary at each of
#: them, 400 MB several times over at vLLM's 2,048.
CPU_BATCHED_TOKENS: Final = 512

#: Defaults of vLLM's processes, which the operator's own environment overrides.
ENVIRONMENT: Final = {
    # Threads of OpenMP that spin while they wait cost several engines on the same cores two thirds of their throughput.
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "0",
    "KMP_BLOCKTIME": "0",
    # Else glibc keeps what tensors of ever other sizes leave: an engine of 135M parameters grew to 4.7 GB over 900
    # prompts with references, and to 2.6 with these settings.
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
    # Else every engine of a machine pins itself to the same cores.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    # A fork would inherit the threads and locks of a Celery worker.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # data on stdout
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",  # libraries' progress bars, which a log shows as lines without an end
    # Nothing is sent to anybody.
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def prepare_environment(*, offline: bool) -> None:
    """Set what vLLM and its processes read from the environment; before vLLM's first import, since it reads some there.

    `offline` says that the weights are on this machine, and keeps every library from asking the hub about them.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # It would silently override the catalogue's kv_cache_gib.
    os.environ.pop("VLLM_CPU_KVCACHE_SPACE", None)
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"


def device_settings(options: VllmOptions, sequences: int) -> dict[str, Any]:  # Any: of vLLM's AsyncEngineArgs
    """The engine's arguments about memory, compilation and devices, for so many prompts at once. Imports vLLM."""
    from vllm.platforms import current_platform  # noqa: PLC0415 - vLLM is for the process that runs it

    if not current_platform.is_cpu():
        return gpu_settings(options)
    settings = cpu_settings(options, sequences)
    # vLLM turns "uni" back into "mp" otherwise. AsyncLLM has its EngineCore process either way.
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    if settings["enforce_eager"]:
        # Else its sampler compiles two small functions with g++ at the first prompt: 26 s once, and never faster after.
        os.environ.setdefault("TORCH_COMPILE_DISABLE", "1")
    return settings


def cpu_settings(options: VllmOptions, sequences: int) -> dict[str, Any]:  # Any: as above
    """Eager by default: it starts in half the time of a compiled engine and was no slower.

    The model runs inside EngineCore. In a process of its own, vLLM's default, it took a third more CPU and 0.8 GB more
    to start, and was no faster (docs/decisions/0007).
    """
    return {
        "distributed_executor_backend": "uni",
        "kv_cache_memory_bytes": int((options.kv_cache_gib or CPU_KV_CACHE_GIB) * GIB),
        "enforce_eager": options.enforce_eager is not False,
        "max_num_batched_tokens": max(CPU_BATCHED_TOKENS, sequences),  # vLLM refuses less than one each
    }


def gpu_settings(options: VllmOptions) -> dict[str, Any]:  # Any: as above
    """Compiled with CUDA graphs by default. A stated KV cache takes the place of `gpu_memory_utilization` in vLLM."""
    kv_cache = {} if options.kv_cache_gib is None else {"kv_cache_memory_bytes": int(options.kv_cache_gib * GIB)}
    return kv_cache | {
        "enforce_eager": bool(options.enforce_eager),
        "gpu_memory_utilization": options.gpu_memory_utilization,
        "tensor_parallel_size": options.tensor_parallel_size,
    }
