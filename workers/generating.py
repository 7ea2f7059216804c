"""The step in which an expert answers: claim, hand all to the engine, store results as they finish."""

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field
from threading import Event

from core import queues
from core.errors import (
    EngineBusyError,
    EngineDeadError,
    EngineError,
    EngineGoneError,
    EngineMisconfiguredError,
    PromptRejectedError,
    StoreError,
    TorouterError,
)
from core.queues import WorkClass
from core.schemas.experts import ExpertSpec
from core.schemas.work import Claim, Failure, GenerationItem, GenerationResult, Suspect
from core.settings import Settings
from core.store import Store
from core.store.failpoints import Point, failpoint
from experts.engine import Answer, Request
from workers import answer_spans
from workers.engine_loop import EngineLoop
from workers.leasing import Leases
from workers.metering import Chunk
from workers.sending import Sender
from workers.suspects import Turns, groups, suspect_from

log = logging.getLogger(__name__)

#: So many times the longest time of an answer, a chunk may take; what has had no place by then goes back to its queue.
CHUNK_ANSWERS = 6

#: Seconds that threads have, when their engine has died, to say what became of their prompts.
LET_GO_S = 5.0

#: Results that finish within so many seconds of each other share a transaction.
GROUP_S = 0.05

Answers = dict["Future[Answer]", GenerationItem]


@dataclass(frozen=True, slots=True)
class Using:
    """What the step works with; `stopping` is set when the worker has been asked to end."""

    store: Store
    sender: Sender
    leases: Leases
    engine: EngineLoop
    specs: Mapping[str, ExpertSpec]
    settings: Settings
    stopping: Event = field(default_factory=Event)
    turns: Turns = field(default_factory=Turns)


@dataclass(slots=True)
class Finished:
    """What has become of some items of a chunk."""

    results: list[GenerationResult] = field(default_factory=list)
    rejected: list[Failure] = field(default_factory=list)
    again: list[Failure] = field(default_factory=list)
    untried: list[Claim] = field(default_factory=list)
    died: list[Claim] = field(default_factory=list)
    busy: list[Claim] = field(default_factory=list)
    why_busy: str = ""
    dead: EngineDeadError | None = None


def generate(ids: list[int], using: Using) -> None:
    """Answer those of the generations that still wait for it; twice does no harm.

    EngineDeadError when the engine died on it: everything is given back, and the process must end.
    """
    generations, suspect = using.store.generations, suspect_from(using.settings.max_attempts)
    items = generations.claim(ids, using.leases.owner, using.leases.lease_s, deaths_below=suspect)
    failpoint(Point.GENERATING_CLAIMED)
    if items:
        # Renewed from now on, since its turn may be long in coming.
        with using.leases.holding(item.claim for item in items), using.turns.take(alone=False):
            _answer(items, using)
    if len(items) < len(ids):
        _answer_suspects(using.store.recovery.suspects(queues.GENERATE, ids, suspect), using)


def _answer_suspects(suspects: Sequence[Suspect], using: Using) -> None:
    """A group at a time, with nothing else in the engine; claimed only then, so that no other death is theirs."""
    waiting = deque(groups(suspects, using.settings.max_attempts))
    try:
        while waiting and not using.stopping.is_set():
            with using.turns.take(alone=True):
                if using.stopping.is_set():
                    break
                group = waiting.popleft()
                items = using.store.generations.claim(group, using.leases.owner, using.leases.lease_s)
                with using.leases.holding(item.claim for item in items):
                    _answer(items, using)
    finally:
        left = [id_ for group in waiting for id_ in group]
        if left:
            using.store.recovery.unsend(queues.GENERATE, left)


def _answer(items: Sequence[GenerationItem], using: Using) -> None:
    if using.stopping.is_set():
        using.store.generations.give_back([item.claim for item in items])
        failpoint(Point.GENERATING_GIVEN_BACK)
    elif items:
        began_at = time.time()
        asked, chunk = using.engine.submit([_request(item, using) for item in items]), Chunk(items)
        answers = dict(zip(asked, items, strict=True))
        failpoint(Point.GENERATING_ASKED)
        dead = None
        try:
            for futures in _as_they_finish(answers, using):
                answer_spans.record(futures, answers, using.specs, began_at)
                finished = _sort(futures, answers, using.specs)
                _count(finished, chunk)
                _store(finished, using)
                dead = dead or finished.dead
        finally:
            chunk.close()
            _abandon(answers, using)
        if dead is not None:
            using.stopping.set()  # within its turn: who has the next one must claim nothing that would die with us
            raise dead


def let_go(error: EngineDeadError, using: Using) -> None:
    """Before the process ends: every prompt that it holds is given back, and has seen a death if it may have caused it.

    The threads know which may have; what they can't tell, since a silent engine has not ended it, may have too.
    """
    using.stopping.set()
    generations, blameless = using.store.generations, isinstance(error, EngineMisconfiguredError)
    deadline = time.monotonic() + LET_GO_S
    while not blameless and using.leases.held() and time.monotonic() < deadline:
        time.sleep(GROUP_S)
    try:
        if blameless:
            generations.give_back(using.leases.held())
        else:
            generations.died(using.leases.held(), using.settings.max_attempts, str(error))
    except StoreError as away:
        log.warning("recovery brings back what this process holds: %s", away)


def _request(item: GenerationItem, using: Using) -> Request:
    return Request(
        id=f"{item.claim.id}-{item.claim.fence}",
        expert=item.expert,
        messages=item.messages,
        sampling=item.sampling.over(using.specs[item.expert].sampling),
        reference=item.reference,
        interactive=item.work_class is WorkClass.INTERACTIVE,
        timeout_s=using.settings.answer_timeout_s,
        completion=item.completion,
    )


def _as_they_finish(answers: Answers, using: Using) -> Iterator[Sequence["Future[Answer]"]]:
    """Groups of finished futures until all are; what takes too long is cancelled, all the sooner if we are to end."""
    pending = set(answers)
    deadline = time.monotonic() + CHUNK_ANSWERS * using.settings.answer_timeout_s
    while pending:
        finished, _ = wait(pending, timeout=1.0, return_when=FIRST_COMPLETED)
        if finished and len(finished) < len(pending):
            time.sleep(GROUP_S)
            finished = {future for future in pending if future.done()}
        if using.stopping.is_set():
            deadline = min(deadline, time.monotonic() + using.settings.drain_s)
        if time.monotonic() >= deadline:
            for future in pending - finished:
                future.cancel()
            finished = pending
        lost = set(using.leases.lost())
        for future in pending - finished if lost else ():
            if answers[future].claim in lost:
                future.cancel()  # which aborts it in the engine
        pending = pending - finished
        if finished:
            yield list(finished)


def _abandon(answers: Answers, using: Using) -> None:
    """Abort what an error has left unfinished; what is finished and not stored stays leased, so that it counts."""
    unfinished = [item.claim for future, item in answers.items() if future.cancel()]
    if unfinished:
        using.store.generations.give_back(unfinished)


def _sort(futures: Sequence["Future[Answer]"], answers: Answers, specs: Mapping[str, ExpertSpec]) -> Finished:
    finished = Finished()
    for future in futures:
        item = answers[future]
        error = None if future.cancelled() else future.exception()
        if future.cancelled():
            finished.untried.append(item.claim)
        elif isinstance(error, EngineBusyError):
            finished.busy.append(item.claim)
            finished.why_busy = str(error)
        elif isinstance(error, EngineGoneError | EngineMisconfiguredError):
            finished.untried.append(item.claim)
            finished.dead = finished.dead or error
        elif isinstance(error, EngineDeadError):
            finished.died.append(item.claim)
            finished.dead = error
        elif error is None:
            finished.results.append(_result(item, future.result(), specs[item.expert]))
        elif isinstance(error, PromptRejectedError):
            finished.rejected.append(_failure(item, error.code, str(error)))
        elif isinstance(error, EngineError):
            finished.again.append(_failure(item, error.code, str(error)))
        else:
            log.error("%s: a bug", item.origin.prompt_id, exc_info=error, extra=_ids(item))
            why = f"an unexpected {type(error).__name__}: {error}"
            finished.again.append(_failure(item, TorouterError.code, why))
    return finished


def _count(finished: Finished, chunk: Chunk) -> None:
    chunk.done(finished.results)
    chunk.ended("rejected", (one.claim for one in finished.rejected))
    chunk.ended("again", (one.claim for one in finished.again))
    chunk.ended("given_back", (*finished.untried, *finished.busy))
    chunk.ended("died", finished.died)


def _failure(item: GenerationItem, code: str, why: str) -> Failure:
    """Logged by its code alone: why may hold what the caller wrote."""
    log.info("%s is not answered by %s: %s", item.origin.prompt_id, item.expert, code, extra=_ids(item))
    return Failure(item.claim, code, why)


def _ids(item: GenerationItem) -> dict[str, str]:
    return {**item.origin.ids(), "expert": item.expert, "generation_id": str(item.claim.id)}


def _result(item: GenerationItem, answer: Answer, spec: ExpertSpec) -> GenerationResult:
    return GenerationResult(
        claim=item.claim,
        answer=answer.text,
        finish_reason=answer.finish_reason,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        cost_usd=spec.cost_usd(answer.input_tokens, answer.output_tokens),
        price_in_usd_per_mtok=spec.price_in_usd_per_mtok,
        price_out_usd_per_mtok=spec.price_out_usd_per_mtok,
        inference_s=answer.inference_s,
        queue_s=answer.queue_s,
        first_token_s=answer.first_token_s,
        nll_answer=answer.nll_answer,
        nll_reference=answer.nll_reference,
        logprobs=asdict(answer.logprobs) if answer.logprobs else None,
    )


def _store(finished: Finished, using: Using) -> None:
    """Write what finished, although the database may be away for a while; then wake up scoring."""
    generations, settle, most = using.store.generations, using.leases.settle, using.settings.max_attempts
    if finished.results:
        failpoint(Point.GENERATING_ANSWERED)
        scores = settle(lambda: generations.finish(finished.results), (one.claim for one in finished.results))
        failpoint(Point.GENERATING_STORED)
        using.sender.scores(scores)
    if finished.rejected:
        settle(lambda: generations.fail(finished.rejected), (one.claim for one in finished.rejected))
    if finished.again:
        settle(lambda: generations.retry(finished.again, most), (one.claim for one in finished.again))
    if finished.died:
        how = str(finished.dead)
        settle(lambda: generations.died(finished.died, most, how), finished.died)
    if finished.untried:
        settle(lambda: generations.give_back(finished.untried), finished.untried)
        failpoint(Point.GENERATING_GIVEN_BACK)
    if finished.busy:
        log.warning("%d prompts wait for room: %s", len(finished.busy), finished.why_busy)
        settle(lambda: generations.give_back(finished.busy, later=True), finished.busy)
