"""Celery's beat with a memory that is no pickle: when it last asked is the time of a file."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from celery.beat import ScheduleEntry, Scheduler


class Remembering(Scheduler):  # type: ignore[misc]  # Celery ships no types
    """For a schedule of one entry. A beat that starts again goes on waiting where the one before was ended."""

    def __init__(self, *args: Any, schedule_filename: str, **kwargs: Any) -> None:  # Any: Celery's own
        self._file = Path(schedule_filename)
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """The app's schedule, last run when the file was written; now where there is none."""
        super().setup_schedule()
        if not self._file.exists():
            self._file.touch()
        last_run_at = datetime.fromtimestamp(self._file.stat().st_mtime, UTC)
        for entry in self.schedule.values():
            entry.last_run_at = last_run_at

    def reserve(self, entry: ScheduleEntry) -> ScheduleEntry:
        """Write down that it asks now, before it does."""
        os.utime(self._file)
        return super().reserve(entry)
