"""Make a trained checkpoint the one that routes."""

from pathlib import Path

from core.schemas.views import CheckpointView
from core.store import Store


def promote(store: Store, folder: Path) -> CheckpointView:
    """Keep a checkpoint's folder in the store and promote it; running routing workers switch to it.

    CheckpointError when it can't be read, or names an expert that the catalogue lacks.
    """
    from router.checkpoints import check_experts, read_manifest  # noqa: PLC0415  # numpy

    manifest = read_manifest(folder)
    check_experts(manifest.experts, store.experts.enabled())
    added = store.checkpoints.add(folder, manifest.model_dump(mode="json"))
    return store.checkpoints.promote(added.public_id)
