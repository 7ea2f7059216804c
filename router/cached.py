"""Train a router once: the same outcomes and configuration give the checkpoint that an earlier training left."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from core.schemas.outcomes import OutcomeRow
from router import checkpoints, training
from router.config import Progress, TrainConfig
from router.outcomes import fingerprint
from router.provenance import versions


def trained(rows: Sequence[OutcomeRow], config: TrainConfig, folder: Path, progress: Progress) -> Path:
    """The checkpoint in `folder`, trained first where there is none; errors as `training.train`'s.

    Another version of torouter or of a library that it trains with is another router.
    """
    made_of = json.dumps([fingerprint(rows), config.model_dump(mode="json"), versions()], sort_keys=True)
    path = folder / f"{config.router}-{sha256(made_of.encode()).hexdigest()[:16]}"
    if not path.exists():
        found = training.train(rows, config, progress)
        checkpoints.save(found.router, path, found.manifest, found.lessons)
    progress(1.0, "trained")
    return path
