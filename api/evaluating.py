"""What a finished batch with references was worth, as `torouter evaluate` reports it.

In a collecting batch every expert answered, so the baselines are measured, and the promoted router beside them. In a
routed one each prompt has one answer, and nobody knows how the other experts would have done.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from api import batch_rows
from api.batch_rows import Rows
from core.errors import InvalidInputError, TorouterError
from core.schemas.experts import Location
from core.schemas.files import BatchJob
from core.schemas.outcomes import OutcomeRow
from core.schemas.views import CheckpointView
from core.settings import Settings
from core.store import Store
from router import checkpoints
from router.config import DEFAULT_QUALITY
from router.evaluation import Evaluation, Routed
from router.evaluation import evaluate as measured
from router.outcomes import experts_of, quality_matrix
from router.policies import NOBODY, choose
from router.policy import parse
from router.pool import pool_of
from router.predictions import BoolArray, Predictions, Router
from router.reports import BatchReport, Report
from router.seen import Seen

log = logging.getLogger(__name__)

UNCOMPARED: Final = (
    "Each prompt has the answer of one expert, so Zero, Random, best single and Optimal are not known: "
    'a batch with "experts": "all" measures them.'
)


def evaluate(store: Store, settings: Settings, job: BatchJob, most: int = batch_rows.MOST_PROMPTS) -> Report:
    """The report of a batch that has ended, on `most` of its prompts at the most.

    InvalidInputError where no line with a reference was answered, or none of the answers has a score.
    """
    found = batch_rows.read(store, job, most)
    if not found.rows:
        raise InvalidInputError(f"none of its {job.referenced} lines with a reference was answered")
    wanted = Evaluation(DEFAULT_QUALITY, None, batch=_batch(job, found), notes=_notes(job, found))
    if pool_of(found.rows, DEFAULT_QUALITY).compares:
        return _beside_baselines(store, settings, job, found.rows, wanted)
    name = "routed" if job.collect is None else "collected"
    notes = [*wanted.notes, *([UNCOMPARED] if job.collect is None else [])]
    return measured(found.rows, {name: _as_it_ran(found)}, replace(wanted, default=name, notes=notes))


def _batch(job: BatchJob, found: Rows) -> BatchReport:
    return BatchReport(
        id=job.public_id,
        references=job.referenced,
        answered=found.answered,
        unanswered=dict(sorted(found.unanswered.items())),
    )


def _notes(job: BatchJob, found: Rows) -> list[str]:
    """What the numbers leave out."""
    rows, experts = found.rows, experts_of(found.rows)
    missing = job.referenced - found.answered
    partly = 0 if job.collect is None else sum(len(row.outcomes) < len(experts) for row in rows)
    unscored = sum(one.value(DEFAULT_QUALITY) is None for row in rows for one in row.outcomes.values())
    said = {
        f"{missing} of {job.referenced} lines with a reference have no answer, and are not measured.": missing,
        f"Measured on {len(rows)} of {found.answered} answered prompts, drawn by a hash of their ids.": (
            len(rows) < found.answered
        ),
        f"On {partly} prompts an expert did not answer: baselines are there of those that did.": partly,
        f"{unscored} answers have no {DEFAULT_QUALITY}, and are left out of its means.": unscored,
        f"All but the {batch_rows.MOST_DATASETS - 1} largest data sets count as one.": any(
            row.dataset == batch_rows.OTHERS for row in rows
        ),
    }
    failed = sorted(found.unanswered.keys() - set(experts))
    return [note for note, holds in said.items() if holds] + [
        f"{name} is not measured: it answered none of its {found.unanswered[name]} prompts." for name in failed
    ]


def _as_it_ran(found: Rows) -> Routed:
    note = "as measured in this batch"
    if found.named:
        note += f"; {found.named} of {found.answered} prompts named their expert"
    return Routed([next(iter(row.outcomes)) for row in found.rows], note=note)


def _beside_baselines(
    store: Store, settings: Settings, job: BatchJob, rows: Sequence[OutcomeRow], wanted: Evaluation
) -> Report:
    """With the promoted router, where there is one that can be measured on these prompts; a note says why not."""
    checkpoint = store.checkpoints.promoted()
    if checkpoint is None:
        return measured(rows, {}, wanted)
    try:
        method = _promoted(store, settings, job, rows, checkpoint)
    except InvalidInputError as error:
        notes = [*wanted.notes, f"The router {checkpoint.public_id} is not measured: {error}."]
        return measured(rows, {}, replace(wanted, notes=notes))
    return measured(rows, {checkpoint.router: method}, replace(wanted, default=checkpoint.router))


def _promoted(
    store: Store, settings: Settings, job: BatchJob, rows: Sequence[OutcomeRow], checkpoint: CheckpointView
) -> Routed:
    """What the router would have chosen by the batch's policy, among the experts that answered.

    It is not measured on a text that it has learned from. InvalidInputError where that leaves nothing, it was not
    taught what the policy needs, or it can't be loaded.
    """
    policy, texts = parse(job.policy or settings.policy), [row.prompt for row in rows]
    router, seen = _loaded(store, settings, checkpoint)
    fresh, predictions = ~seen.knows(texts), router.predict(texts)
    answered = np.isfinite(quality_matrix(rows, predictions.experts, DEFAULT_QUALITY))
    columns = choose(predictions, policy, answered & fresh[:, None], _in_the_cloud(store, predictions))
    if (columns == NOBODY).all():
        raise InvalidInputError("it has learned from all of these prompts, or knows none of the experts")
    note = f"what {checkpoint.public_id}, promoted now, chooses by the policy {policy}"
    if not fresh.all():
        note += f"; not measured on the {(~fresh).sum()} prompts that it has learned from"
    return Routed(
        choices=[None if at == NOBODY else predictions.experts[at] for at in columns],
        note=note,
        # A curve is over all prompts and experts.
        predictions=predictions if fresh.all() and set(experts_of(rows)) <= set(predictions.experts) else None,
    )


def _loaded(store: Store, settings: Settings, checkpoint: CheckpointView) -> tuple[Router, Seen]:
    try:
        folder = store.checkpoints.fetch(checkpoint, settings.cache)
        return checkpoints.load(folder), checkpoints.read_seen(folder)
    except (TorouterError, OSError) as error:
        log.warning("%s is not measured: %s", checkpoint.public_id, error)
        # A message names paths, which are nobody's business but the operator's.
        raise InvalidInputError("it can't be loaded, or not be measured fairly; the log says why") from error


def _in_the_cloud(store: Store, predictions: Predictions) -> BoolArray:
    experts = store.experts.enabled()
    found = [name in experts and experts[name].location is Location.CLOUD for name in predictions.experts]
    return np.array(found, dtype=np.bool_)
