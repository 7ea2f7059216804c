"""What networks are trained to make small; both leave out experts that were absent on a prompt."""

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

#: A logit that softmax turns into 0 without making 0 * log(0) of it.
_NEVER: Final = -1e4


def cross_entropy(logits: Tensor, labels: Tensor, present: Tensor) -> Tensor:
    """Against soft labels, all (n, m): who is the best expert. The mean over prompts."""
    logs = torch.log_softmax(logits.float().masked_fill(~present, _NEVER), dim=1)
    return -(labels * logs).sum(dim=1).mean()


def quality_loss(logits: Tensor, qualities: Tensor, present: Tensor) -> Tensor:
    """Against each expert's quality in 0..1, all (n, m): how good is each, for itself. The mean over answers."""
    found = binary_cross_entropy_with_logits(logits.float(), qualities.nan_to_num(), reduction="none")
    return (found * present).sum() / present.sum()
