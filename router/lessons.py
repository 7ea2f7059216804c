"""What a training leaves beside weights and manifest: the texts that were seen, and how predictions came true."""

from dataclasses import dataclass
from pathlib import Path

from router import experience
from router.predictions import Calibration
from router.seen import Seen


@dataclass(frozen=True, eq=False)
class Lessons:
    """Kept in a checkpoint's folder, each in a file of its own."""

    seen: Seen
    calibration: Calibration | None  # None where no prompts were held out of the first fit

    def save(self, folder: Path) -> None:
        self.seen.save(folder)
        if self.calibration is not None:
            experience.save(self.calibration, folder)
