"""A trained router as a folder of safetensors and JSON, never pickle: written whole; loaded, or refused with a cure."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from core.errors import CheckpointError, InvalidInputError
from router import experience, registry
from router.experience import Experienced
from router.lessons import Lessons
from router.manifest import FORMAT, Manifest
from router.predictions import Router
from router.registry import StorableRouter
from router.seen import Seen

MANIFEST: Final = "manifest.json"

#: Of the files that routers, encoders and tokenizers are stored as. No pickle is among them.
SUFFIXES: Final = frozenset({".json", ".safetensors", ".txt", ".jinja", ".model"})

#: transformers would follow such a file to the weights of another model.
ADAPTER: Final = "adapter_"


def save(router: StorableRouter, folder: Path, manifest: Manifest, lessons: Lessons | None = None) -> None:
    """Write router, manifest and lessons as a new folder, which appears complete or not at all.

    CheckpointError where the folder exists (a checkpoint never changes) or the manifest is another router's.
    """
    if (router.kind, router.experts) != (manifest.kind, manifest.experts):
        raise CheckpointError(
            f"the manifest describes a {manifest.kind!r} router of {', '.join(manifest.experts)}, "
            f"not this {router.kind!r} router of {', '.join(router.experts)}"
        )
    refuse_existing(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        router.save(unfinished)
        if lessons is not None:
            lessons.save(unfinished)
        (unfinished / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        unfinished.chmod(0o755)  # mkdtemp makes it private, but other processes load it
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def refuse_existing(folder: Path) -> None:
    """CheckpointError where the folder exists: a checkpoint never changes."""
    if folder.exists():
        raise CheckpointError(
            f"{folder} exists, and a checkpoint is never overwritten: name another folder or remove it"
        )


def load(folder: Path) -> Router:
    """The router of a checkpoint, ready to predict; its original encoder need not be installed.

    CheckpointError, naming file and cure, where anything in the folder is missing, damaged or unknown.
    """
    manifest = read_manifest(folder)
    _refuse_foreign(folder)
    try:
        kind = registry.kind(manifest.kind)
    except InvalidInputError as error:
        raise CheckpointError(f"{folder / MANIFEST}: {error}; it may come from a newer torouter") from error
    calibration = experience.load(folder, len(manifest.experts))
    return Experienced(kind.load(folder, manifest), manifest.spending, calibration)


def read_seen(folder: Path) -> Seen:
    """Which texts a checkpoint's router has learned from; CheckpointError where nobody knows."""
    return Seen.of(()) if read_manifest(folder).data is None else Seen.load(folder)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a checkpoint folder; CheckpointError where there is none that this version can read."""
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{path}: can't be read ({error}): give the folder that `torouter train` wrote"
        ) from error
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise CheckpointError(
            f"{path}: {field}: {first['msg']}: damaged, or of another version; train again or copy it again"
        ) from error
    if manifest.format != FORMAT:
        raise CheckpointError(
            f"{path}: format {manifest.format}, and this torouter reads {FORMAT}: train again or upgrade"
        )
    return manifest


def _refuse_foreign(folder: Path) -> None:
    """CheckpointError where there is what no checkpoint has: it may come from anywhere, and be loaded by a library."""
    for path in sorted(folder.iterdir()):
        is_ours = path.suffix in SUFFIXES and not path.name.startswith(ADAPTER)
        if not is_ours or path.is_symlink() or not path.is_file():
            raise CheckpointError(
                f"{path}: has no place in a checkpoint, which is safetensors and JSON in one folder: take it out, or "
                "copy the checkpoint again from where it was trained"
            )


def check_experts(experts: Iterable[str], catalogue: Iterable[str]) -> None:
    """CheckpointError where the checkpoint names experts that the catalogue lacks, with the difference."""
    present = tuple(catalogue)
    lacking = [expert for expert in experts if expert not in present]
    if lacking:
        raise CheckpointError(
            f"made for other experts: the catalogue ({', '.join(present) or 'empty'}) lacks {', '.join(lacking)}: "
            "add them, or train a router on this catalogue's outcomes"
        )
