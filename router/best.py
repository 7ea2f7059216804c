"""The weights of the epoch that did best on prompts held out."""

from copy import deepcopy
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class Best:
    """The weights with the lowest validation loss so far."""

    loss: float = float("inf")
    epoch: int = 0
    state: dict[str, Tensor] | None = None

    def consider(self, loss: float, epoch: int, network: nn.Module) -> None:
        if loss < self.loss:
            self.loss, self.epoch, self.state = loss, epoch, deepcopy(network.state_dict())

    def restore(self, network: nn.Module) -> bool:
        """Put them back; False where no epoch was ever considered."""
        if self.state is None:
            return False
        network.load_state_dict(self.state)
        return True
