"""Rows into views: a prompt with its decision, generations and scores, in three queries whatever the number."""

from collections import defaultdict
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from core.schemas.conversation import Message
from core.schemas.views import BatchView, CheckpointView, DecisionView, ExpertCounts, GenerationView, PromptView
from core.tables import BATCH, BATCH_EXPERT, CHECKPOINT, DECISION, GENERATION, PROMPT, SCORE, State

ByPrompt = defaultdict[int, list[GenerationView]]


def prompts(
    connection: Connection, *where: ColumnElement[bool], by: ColumnElement[int] = PROMPT.c.id
) -> list[PromptView]:
    """Views of the prompts that `where` selects, in the order of `by`."""
    columns = (
        PROMPT,
        BATCH.c.public_id.label("batch_public_id"),
        DECISION.c.prompt_id.label("decided"),
        DECISION.c.expert.label("chosen"),
        DECISION.c.policy.label("decision_policy"),
        DECISION.c.prediction_kind,
        DECISION.c.predictions,
        DECISION.c.route_s,
        CHECKPOINT.c.public_id.label("checkpoint"),
    )
    rows = connection.execute(
        select(*columns)
        .join(BATCH, BATCH.c.id == PROMPT.c.batch_id)
        .outerjoin(DECISION, DECISION.c.prompt_id == PROMPT.c.id)
        .outerjoin(CHECKPOINT, CHECKPOINT.c.id == DECISION.c.checkpoint_id)
        .where(*where)
        .order_by(by)
    ).fetchall()
    generations = _generations(connection, [row.id for row in rows])
    return [_prompt(row, tuple(generations[row.id])) for row in rows]


def batches(connection: Connection, *where: ColumnElement[bool], newest: int | None = None) -> list[BatchView]:
    """Views of the batches that `where` selects, in the order of submission; or at most so many, the newest first."""
    found = select(BATCH).where(*where)
    ordered = found.order_by(BATCH.c.id) if newest is None else found.order_by(BATCH.c.id.desc()).limit(newest)
    rows = connection.execute(ordered).fetchall()
    counts: defaultdict[int, dict[str, ExpertCounts]] = defaultdict(dict)
    of_these = select(BATCH_EXPERT).where(BATCH_EXPERT.c.batch_id.in_([row.id for row in rows]))
    for row in connection.execute(of_these.order_by(BATCH_EXPERT.c.expert)) if rows else ():
        counts[row.batch_id][row.expert] = ExpertCounts(**{name: getattr(row, name) for name in _COUNTS})
    return [_batch(row, counts[row.id]) for row in rows]


_COUNTS = tuple(one.name for one in fields(ExpertCounts))

#: What a batch's view has of the row as it is.
_SAME = tuple(one.name for one in fields(BatchView) if one.name in BATCH.c and one.name not in {"id", "collect"})


def _batch(row: Row[Any], by_expert: dict[str, ExpertCounts]) -> BatchView:  # Any: the columns of the table
    return BatchView(
        id=row.public_id,
        collect=tuple(row.collect) if row.collect is not None else None,
        details=row.metadata,
        by_expert=by_expert,
        **{name: getattr(row, name) for name in _SAME},
    )


def checkpoint(row: Row[Any]) -> CheckpointView:  # Any: as above
    return CheckpointView(
        id=row.id,
        public_id=row.public_id,
        key=row.key,
        router=row.router,
        experts=tuple(row.experts),
        manifest=row.manifest,
        promoted_at=row.promoted_at,
        verdict=row.verdict,
    )


def _generations(connection: Connection, prompt_ids: list[int]) -> ByPrompt:
    rows = connection.execute(
        select(GENERATION).where(GENERATION.c.prompt_id.in_(prompt_ids)).order_by(GENERATION.c.id)
    ).fetchall()
    scores: defaultdict[int, dict[str, float]] = defaultdict(dict)
    found = select(SCORE.c.generation_id, SCORE.c.scorer, SCORE.c.value)
    of_these = SCORE.c.generation_id.in_([row.id for row in rows])
    for score in connection.execute(found.where(of_these, SCORE.c.state == State.DONE)):
        scores[score.generation_id][score.scorer] = score.value
    views: ByPrompt = defaultdict(list)
    for row in rows:
        views[row.prompt_id].append(_generation(row, scores[row.id]))
    return views


def _generation(row: Row[Any], scores: dict[str, float]) -> GenerationView:  # Any: as above
    return GenerationView(
        expert=row.expert,
        state=row.state,
        answer=row.answer,
        finish_reason=row.finish_reason,
        logprobs=row.logprobs,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cost_usd=row.cost_usd,
        nll_answer=row.nll_answer,
        nll_reference=row.nll_reference,
        inference_s=row.inference_s,
        queue_s=row.queue_s,
        first_token_s=row.first_token_s,
        attempts=row.attempts,
        error_code=row.error_code,
        error_message=row.error_message,
        scores=scores,
    )


def _prompt(row: Row[Any], generations: tuple[GenerationView, ...]) -> PromptView:  # Any: as above
    decision = None
    if row.decided is not None:
        decision = DecisionView(
            expert=row.chosen,
            policy=row.decision_policy,
            checkpoint=row.checkpoint,
            prediction_kind=row.prediction_kind,
            predictions=row.predictions,
            route_s=row.route_s,
        )
    return PromptView(
        id=row.public_id,
        batch_id=row.batch_public_id,
        state=row.state,
        messages=tuple(Message.model_construct(**message) for message in row.messages),
        reference=row.reference,
        dataset=row.dataset,
        custom_id=row.custom_id,
        details=row.metadata,
        error_code=row.error_code,
        error_message=row.error_message,
        created_at=row.created_at,
        finished_at=row.finished_at,
        decision=decision,
        generations=generations,
    )
