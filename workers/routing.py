"""The step that decides who answers: claim, predict in one pass, choose, store, send."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from core import queues
from core.errors import InvalidInputError
from core.queues import WorkClass
from core.schemas.conversation import routing_text
from core.schemas.experts import ExpertSpec, Location
from core.schemas.work import Claim, Failure, Routed, RoutingItem
from core.settings import Settings
from core.store import Store
from core.store.failpoints import Point, failpoint
from router import policies
from router.datasets import is_held_out
from router.drift import Drift
from router.policy import BEST, parse
from router.predictions import BoolArray, IntArray, Predictions, Router
from workers import routing_meter, tracing
from workers.leasing import Leases
from workers.sending import Sender
from workers.suspects import in_turn

log = logging.getLogger(__name__)

#: UTF-8 bytes of a token, more than English prose has: an expert is passed over only where a prompt is surely too long.
BYTES_PER_TOKEN = 5

Experts = Mapping[str, ExpertSpec]


@dataclass(frozen=True, slots=True)
class Serving:
    """The router that is promoted, as this process has loaded it."""

    checkpoint_id: int
    router: Router
    drift: Drift = field(default_factory=Drift)


class Decisions(NamedTuple):
    routed: list[Routed]
    failed: list[Failure]
    unserved: list[Claim]  # they need a router, and none is loaded


class Choosing(NamedTuple):
    """How predictions become choices, unless a prompt says otherwise."""

    policy: str = str(BEST)
    compare_share: float = 0.0  # of the texts, which the router's other experts answer too


@dataclass(frozen=True, slots=True)
class Using:
    """What the step works with."""

    store: Store
    sender: Sender
    leases: Leases
    settings: Settings


def route(ids: list[int], serving: Serving | None, using: Using) -> None:
    """Route those of the prompts that still wait for it; twice does no harm."""
    store, leases = using.store, using.leases
    claim = partial(store.prompts.claim, owner=leases.owner, lease_s=leases.lease_s)
    suspects = partial(store.recovery.suspects, queues.ROUTE)
    for items in in_turn(claim, suspects, ids, using.settings.max_attempts):
        _route(items, serving, using)


def _route(items: Sequence[RoutingItem], serving: Serving | None, using: Using) -> None:
    if not items:
        return
    store = using.store
    failpoint(Point.ROUTING_CLAIMED)
    routing_meter.claimed(items)
    with using.leases.holding(item.claim for item in items), tracing.together("route", items):
        choosing = Choosing(using.settings.policy, using.settings.compare_share)
        decisions = decide(items, serving, store.experts.enabled(), choosing)
        if decisions.unserved:
            _without_router(decisions, using)
        routing_meter.decided(*decisions[:2])
        if decisions.failed:
            using.leases.settle(lambda: store.prompts.fail(decisions.failed), (one.claim for one in decisions.failed))
            _log(decisions.failed, items)
        failpoint(Point.ROUTING_CHOSEN)
        full = _full_queues(decisions.routed, using.sender)
        dispatches = using.leases.settle(
            lambda: store.prompts.decide(decisions.routed, full), (one.claim for one in decisions.routed)
        )
    failpoint(Point.ROUTING_STORED)
    using.sender.send(dispatches)


def _log(failed: Sequence[Failure], items: Sequence[RoutingItem]) -> None:
    """Which prompts fail, and by which code: a message may hold what the caller wrote."""
    origins = {item.claim: item.origin for item in items}
    for one in failed:
        origin = origins[one.claim]
        log.info("%s is not routed: %s", origin.prompt_id, one.code, extra=origin.ids())


def _full_queues(routed: Sequence[Routed], sender: Sender) -> set[str]:
    """The bulk queues, of those that are chosen, that have no room."""
    chosen = {queues.expert_queue(expert, WorkClass.BULK) for one in routed for expert in one.experts}
    return {queue for queue in chosen if sender.is_full(queue)}


def _without_router(decisions: Decisions, using: Using) -> None:
    """Prompts that need a router wait where one is promoted that can't be loaded, and fail where none is."""
    promoted, unserved = using.store.checkpoints.promoted(), decisions.unserved
    if promoted is not None:
        log.error("%d prompts wait for a router: %s is promoted and not loaded", len(unserved), promoted.public_id)
        using.leases.settle(lambda: using.store.prompts.give_back(unserved), unserved)
        return
    why = "no router is promoted: train one, then run `torouter promote CHECKPOINT`, or name an expert"
    decisions.failed.extend(Failure(claim, "no_router", why) for claim in unserved)


def decide(items: Sequence[RoutingItem], serving: Serving | None, experts: Experts, choosing: Choosing) -> Decisions:
    """Who answers each prompt: the expert it names, all of a collecting batch, or the router's choice."""
    decisions = Decisions([], [], [])
    to_predict = []
    for item in items:
        if item.collect is not None:
            _collect(item, experts, decisions)
        elif item.expert is not None:
            _pin(item, item.expert, experts, decisions)
        elif serving is None:
            decisions.unserved.append(item.claim)
        else:
            to_predict.append(item)
    if to_predict and serving is not None:
        _predict(to_predict, serving, experts, choosing, decisions)
    return decisions


def fits(items: Sequence[RoutingItem], names: Sequence[str], experts: Experts) -> BoolArray:
    """Which named experts are enabled and have room for which prompt: (n, m).

    The size is an estimate. Where it says that nobody has room, those with the most room remain: their engine counts.
    """
    room = np.array([experts[name].context_tokens if name in experts else 0 for name in names])
    need = np.array([_least_tokens(item) for item in items])
    fitting = np.less.outer(need, room)
    largest = (room == room.max()) & (room > 0)
    return np.asarray(np.where(fitting.any(axis=1)[:, None], fitting, largest[None, :]), dtype=np.bool_)


def _least_tokens(item: RoutingItem) -> int:
    return sum(len(message.content.encode()) for message in item.messages) // BYTES_PER_TOKEN


def _collect(item: RoutingItem, experts: Experts, decisions: Decisions) -> None:
    asked = tuple(name for name in item.collect or () if name in experts)
    if asked:
        decisions.routed.append(Routed(item.claim, asked, policy="collect", route_s=0.0, gathered=1))
    else:
        decisions.failed.append(Failure(item.claim, "model_not_found", _gone(", ".join(item.collect or ()), experts)))


def _pin(item: RoutingItem, name: str, experts: Experts, decisions: Decisions) -> None:
    if name in experts:
        decisions.routed.append(Routed(item.claim, (name,), policy="pinned", route_s=0.0, gathered=1))
    else:
        decisions.failed.append(Failure(item.claim, "model_not_found", _gone(name, experts)))


def _gone(names: str, experts: Experts) -> str:
    return f"no longer in the catalogue: {names}; there are {', '.join(experts) or '(none)'}"


def _predict(
    items: list[RoutingItem], serving: Serving, experts: Experts, choosing: Choosing, decisions: Decisions
) -> None:
    start = time.perf_counter()
    texts = [routing_text(item.messages) for item in items]
    predictions = serving.router.predict(texts)
    allowed = fits(items, predictions.experts, experts)
    asked = [item.policy or choosing.policy for item in items]
    chosen, refused = _choose(asked, predictions, allowed, experts)
    pass_s = time.perf_counter() - start
    routing_meter.predicted(predictions, pass_s, serving.drift)
    for row, (item, column) in enumerate(zip(items, chosen, strict=True)):
        if asked[row] in refused:
            decisions.failed.append(Failure(item.claim, "invalid_policy", refused[asked[row]]))
        elif column == policies.NOBODY:
            decisions.failed.append(Failure(item.claim, "no_expert", "none of the router's experts is enabled"))
        else:
            decisions.routed.append(
                Routed(
                    item.claim,
                    (predictions.experts[column],),
                    policy=asked[row],
                    route_s=pass_s / len(items),
                    gathered=len(items),
                    checkpoint_id=serving.checkpoint_id,
                    prediction_kind=predictions.kind,
                    predictions=dict(zip(predictions.experts, map(float, predictions.values[row]), strict=True)),
                    compare=_compare(texts[row], predictions.experts, allowed[row], column, choosing.compare_share),
                )
            )


def _choose(
    asked: Sequence[str], predictions: Predictions, allowed: BoolArray, experts: Experts
) -> tuple[IntArray, dict[str, str]]:
    """The column that each prompt's policy chooses, and why a policy can't choose with this router."""
    located = [experts[name].location if name in experts else None for name in predictions.experts]
    cloud = np.array([location is Location.CLOUD for location in located], dtype=np.bool_)
    chosen, refused = np.full(len(asked), policies.NOBODY), dict[str, str]()
    for text in dict.fromkeys(asked):
        rows = np.flatnonzero([one == text for one in asked])
        try:
            chosen[rows] = policies.choose(predictions.of(rows), parse(text), allowed[rows], cloud)
        except InvalidInputError as error:
            refused[text] = str(error)
    return chosen, refused


def _compare(text: str, names: Sequence[str], allowed: BoolArray, chosen: int, share: float) -> tuple[str, ...]:
    """The experts that were not chosen, for a text of the share; a second run of the step says the same."""
    if not is_held_out(text, share, "comparison"):
        return ()
    return tuple(name for at, name in enumerate(names) if allowed[at] and at != chosen)
