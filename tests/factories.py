"""Values with defaults; a test names only what it is about."""

from typing import Any

from core.queues import WorkClass
from core.schemas.conversation import Message, Sampling
from core.schemas.experts import EngineKind, ExpertSpec
from core.schemas.files import BatchJob
from core.schemas.work import (
    Claim,
    GenerationItem,
    GenerationResult,
    NewPrompt,
    Routed,
    RoutingItem,
    ScoreValue,
    Submission,
    Submitted,
)
from core.store import Store

OWNER = "local"
LEASE_S = 60.0


def expert(name: str = "general", **changes: Any) -> ExpertSpec:
    values: dict[str, Any] = {
        "name": name,
        "engine": EngineKind.SYNTHETIC,
        "model": "synthetic",
        "price_in_usd_per_mtok": 1.0,
        "price_out_usd_per_mtok": 2.0,
        "context_tokens": 2048,
        "sampling": Sampling(temperature=0.0, max_tokens=16),
    }
    return ExpertSpec(**{**values, **changes})


def prompt(text: str = "What is the capital of France?", **changes: Any) -> NewPrompt:
    return NewPrompt(messages=(Message(role="user", content=text),), **changes)


def submission(*prompts: NewPrompt, **changes: Any) -> Submission:
    return Submission(prompts=prompts or (prompt(),), endpoint="/v1/prompts", **changes)


def batch_job(batch: str, **changes: Any) -> BatchJob:
    """A batch that came as a file and has ended, as whoever writes its files holds it."""
    values: dict[str, Any] = {
        "id": 1,
        "fence": 1,
        "public_id": batch,
        "owner": OWNER,
        "state": "finalizing",
        "endpoint": "/v1/chat/completions",
        "work_class": WorkClass.BULK,
        "input_file_id": "file_1",
        "collect": None,
        "policy": None,
        "on_invalid": "fail",
        "total": 1,
        "stored_lines": 1,
        "stored_bytes": 1,
        "referenced": 1,
        "output_expires_after_s": None,
        "is_late": False,
    }
    return BatchJob(**{**values, **changes})


def submit(store: Store, *prompts: NewPrompt, **changes: Any) -> Submitted:
    return store.prompts.submit(submission(*prompts, **changes))


def routed(item: RoutingItem, *experts: str, **changes: Any) -> Routed:
    values: dict[str, Any] = {"policy": "best", "route_s": 0.001, "gathered": 1}
    return Routed(item.claim, experts or ("general",), **{**values, **changes})


def route(store: Store, submitted: Submitted, *experts: str) -> list[int]:
    """Decide for every prompt; ids of the pending generations."""
    items = store.prompts.claim(submitted.ids, "router", LEASE_S)
    return [id_ for dispatch in store.prompts.decide([routed(i, *experts) for i in items]) for id_ in dispatch.ids]


def claim(store: Store, ids: list[int], owner: str = "worker", lease_s: float = LEASE_S) -> list[GenerationItem]:
    return store.generations.claim(ids, owner, lease_s)


def result(claimed: Claim, answer: str = "Paris.", **changes: Any) -> GenerationResult:
    values: dict[str, Any] = {
        "finish_reason": "stop",
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_usd": 0.00002,
        "price_in_usd_per_mtok": 1.0,
        "price_out_usd_per_mtok": 2.0,
        "inference_s": 0.5,
        "queue_s": 0.1,
    }
    return GenerationResult(claim=claimed, answer=answer, **{**values, **changes})


def collected(store: Store, *prompts: tuple[str, dict[str, float]], **changes: Any) -> None:
    """Store a collecting batch that has ended: texts with each expert's bertsim."""
    experts = tuple(prompts[0][1])
    asked = [prompt(text, reference="a good answer", **changes) for text, _ in prompts]
    batch = submit(store, *asked, collect=experts)
    qualities = dict(prompts)
    items = claim(store, route(store, batch, *experts))
    # The answer says its own quality, for the scorer below.
    answers = [str(qualities[item.messages[0].content][item.expert]) for item in items]
    opened = store.generations.finish([result(one.claim, answer) for one, answer in zip(items, answers, strict=True)])
    scoring = store.scores.claim(opened, "scorer", LEASE_S)
    store.scores.finish([ScoreValue(one.claim, float(one.answer)) for one in scoring])
