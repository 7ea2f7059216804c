"""What a router that has learned nothing would score; one that doesn't beat these has learned nothing either.

Each is a pair of rows to train on and rows to route, or choices; the outcomes that are measured stay as they are.
"""

from collections.abc import Sequence

import numpy as np

from core.schemas.outcomes import OutcomeRow
from router.hashing import fingerprint


def shuffled_shares(choices: Sequence[str | None], seed: int) -> list[str | None]:
    """The same choices dealt to other prompts: the same shares, so the same cost, without a look at the prompt."""
    order = np.random.default_rng(seed).permutation(len(choices))
    return [choices[i] for i in order]


def shuffled_labels(rows: Sequence[OutcomeRow], seed: int) -> list[OutcomeRow]:
    """The same prompts with each other's outcomes, within each data set: to train on."""
    random = np.random.default_rng(seed)
    found = list(rows)
    for name in sorted({row.dataset for row in rows}):
        at = [i for i, row in enumerate(rows) if row.dataset == name]
        for i, j in zip(at, random.permutation(at), strict=True):
            found[i] = rows[i].model_copy(update={"outcomes": rows[j].outcomes})
    return found


def unreadable(rows: Sequence[OutcomeRow]) -> list[OutcomeRow]:
    """The same outcomes with prompts that say nothing: to train on and to route."""
    return [row.model_copy(update={"prompt": fingerprint([row.prompt])}) for row in rows]
