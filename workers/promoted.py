"""The promoted checkpoint, loaded at start and switched while running; a bad one never replaces a good one."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from core.errors import CheckpointError, ConfigError, TorouterError
from core.schemas.views import CheckpointView
from core.store import Store
from core.store.failpoints import Point, failpoint
from router.predictions import Router
from workers import routing_meter
from workers.routing import Serving

log = logging.getLogger(__name__)


class Promoted:
    """The router is swapped as a whole: a pass that has begun goes on with the one it began with."""

    def __init__(self, store: Store, cache: Path, load: Callable[[Path], Router]) -> None:
        self._serving: Serving | None = None
        self._refreshing = threading.Lock()
        self._store = store
        self._cache = cache
        self._load = load
        self._seen: tuple[int, float | None] | None = None

    def serving(self) -> Serving | None:
        """The router to use now; with none yet, one that has just been promoted is loaded while the caller waits."""
        if self._serving is None:
            self.refresh()
        return self._serving

    def refresh(self) -> None:
        """Load what has been promoted since the last look. What is damaged is refused once, with the reason."""
        with self._refreshing:
            self._refresh()

    def _refresh(self) -> None:
        checkpoint = self._store.checkpoints.promoted()
        if checkpoint is None or (checkpoint.id, checkpoint.promoted_at) == self._seen:
            return
        try:
            self._serving = self._loaded(checkpoint)
            routing_meter.replaced()
        except (CheckpointError, ConfigError) as error:
            log.error("checkpoint %s is refused: %s", checkpoint.public_id, error)  # noqa: TRY400  # ours, no trace
        except (TorouterError, OSError) as error:
            log.warning("checkpoint %s can't be loaded yet: %s", checkpoint.public_id, error)
            return
        self._seen = (checkpoint.id, checkpoint.promoted_at)

    def _loaded(self, checkpoint: CheckpointView) -> Serving:
        self._warn(checkpoint)
        folder = self._store.checkpoints.fetch(checkpoint, self._cache)
        failpoint(Point.ROUTER_FETCHED)
        return Serving(checkpoint.id, self._load(folder))

    def _warn(self, checkpoint: CheckpointView) -> None:
        """Say where checkpoint and catalogue differ; routing chooses among the experts that are in both."""
        enabled = set(self._store.experts.enabled())
        unknown, gone = enabled.difference(checkpoint.experts), set(checkpoint.experts) - enabled
        if unknown:
            log.warning("%s does not know, and never chooses: %s", checkpoint.public_id, ", ".join(sorted(unknown)))
        if gone:
            told = "%s never chooses what the catalogue lacks: %s"
            log.warning(told, checkpoint.public_id, ", ".join(sorted(gone)))
