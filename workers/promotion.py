"""Make a checkpoint the one that routes, if it is better than the one that does. Knows no Celery."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.errors import TorouterError
from core.schemas.outcomes import OutcomeRow
from core.schemas.views import CheckpointView
from core.store import Store
from core.store.failpoints import Point, failpoint
from router import checkpoints
from router.gate import Contender, Verdict, judge, unmeasured, unopposed


@dataclass(frozen=True, slots=True)
class Gate:
    """What a candidate is held against the current router with."""

    rows: Iterable[OutcomeRow]  # those of them that are held out count
    cache: Path  # of checkpoints fetched from the store
    by: str  # who promotes, for the record
    quality: str | None = None  # None: what the candidate was trained for
    force: bool = False  # promote it anyway, and record that


@dataclass(frozen=True, slots=True)
class Promotion:
    """What was said of a candidate, and the checkpoint that it is now; None where it was refused."""

    verdict: Verdict
    checkpoint: CheckpointView | None


def promote(store: Store, folder: Path, gate: Gate) -> Promotion:
    """Keep a checkpoint's folder in the store and promote it, if it is better; running routing workers switch to it.

    CheckpointError when it can't be read, can't be compared, names an expert that the catalogue lacks, or another
    checkpoint has been promoted meanwhile.
    """
    current = store.checkpoints.promoted()
    verdict = _verdict(store, folder, current, gate)
    if not (verdict.better or gate.force):
        return Promotion(verdict, None)
    manifest = checkpoints.read_manifest(folder)
    added = store.checkpoints.add(folder, manifest.model_dump(mode="json"))
    return Promotion(verdict, _promoted(store, added, current, verdict, gate))


def promote_again(store: Store, name: str, gate: Gate) -> Promotion:
    """The same with a checkpoint that the store has, by its public id; NotFoundError where it has none."""
    known, current = store.checkpoints.get(name), store.checkpoints.promoted()
    verdict = _verdict(store, store.checkpoints.fetch(known, gate.cache), current, gate)
    if not (verdict.better or gate.force):
        return Promotion(verdict, None)
    return Promotion(verdict, _promoted(store, known, current, verdict, gate))


def _verdict(store: Store, folder: Path, current: CheckpointView | None, gate: Gate) -> Verdict:
    manifest = checkpoints.read_manifest(folder)
    experts = tuple(store.experts.enabled())
    checkpoints.check_experts(manifest.experts, experts)
    if current is None:
        return unopposed("the first router: there was none to be better than")
    try:
        candidate = _contender(folder, folder.name)
        opponent = _contender(store.checkpoints.fetch(current, gate.cache), current.public_id)
        return judge(candidate, opponent, gate.rows, experts, gate.quality or manifest.config.quality)
    except TorouterError as error:
        if not gate.force:
            raise
        return unmeasured(f"not compared: {error}")


def _contender(folder: Path, name: str) -> Contender:
    return Contender(name, checkpoints.load(folder), checkpoints.read_seen(folder))


def _promoted(
    store: Store, candidate: CheckpointView, current: CheckpointView | None, verdict: Verdict, gate: Gate
) -> CheckpointView:
    """A verdict holds as long as the router it is against does; an override holds whichever routes."""
    record = {"by": gate.by, "forced": not verdict.better, **verdict.model_dump(mode="json")}
    failpoint(Point.CHECKPOINT_ADDED)
    if gate.force:
        promoted = store.checkpoints.promote(candidate.public_id, record)
    else:
        promoted = store.checkpoints.replace(current.public_id if current else None, candidate.public_id, record)
    failpoint(Point.CHECKPOINT_PROMOTED)
    return promoted
