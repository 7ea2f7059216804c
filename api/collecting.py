"""Phase 1: every expert answers every prompt, and the outcomes are kept for training. Works on the store itself.

The same request again goes on with what it had submitted: its batches carry a fingerprint of prompts, sampling and
experts. A submission is one transaction, so that whoever is killed in it has submitted all or nothing.
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from core.errors import InvalidInputError, NotReadyError
from core.queues import WorkClass
from core.schemas.experts import ExpertSpec
from core.schemas.outcomes import OutcomeRow
from core.schemas.views import BatchView, PromptView
from core.schemas.work import NewPrompt, Submission
from core.store import Store
from core.store.outcomes import outcome_row
from core.tables import LOCAL, State
from router.hashing import fingerprint
from workers.sending import Sender

#: Seconds between two looks at a batch.
POLL_S = 0.5

#: Keys of a batch's details: which request it is of, and the batch whose missing answers it asks for again.
FINGERPRINT: Final = "fingerprint"
FOLLOWS: Final = "follows"

#: Key of a prompt's details: which of the request's prompts it is, counted from 0.
LINE: Final = "line"


@dataclass(frozen=True)
class Request:
    """Prompts that each of the experts is to answer."""

    prompts: tuple[NewPrompt, ...]
    experts: tuple[ExpertSpec, ...]
    endpoint: str = "torouter collect"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self.experts)

    def fingerprint(self) -> str:
        """Of what decides the answers: prompts, sampling, and all that the catalogue says of the experts."""
        return fingerprint([*map(_content, self.prompts), *sorted(spec.model_dump_json() for spec in self.experts)])


@dataclass(frozen=True)
class Collection:
    """The batches of one request: those that were there, and those submitted just now for what they lack."""

    earlier: tuple[BatchView, ...]
    submitted: tuple[str, ...]

    @property
    def batches(self) -> tuple[str, ...]:
        return (*(batch.id for batch in self.earlier), *self.submitted)

    def __str__(self) -> str:
        """What became of the request, for whoever made it."""
        if not self.earlier:
            return f"The batch is {', '.join(self.submitted)}"
        went = "has the answers" if all(batch.ended for batch in self.earlier) else "goes on"
        if self.submitted:
            went = f"lacks answers; what failed is asked again in {', '.join(self.submitted)}"
        return f"{self.earlier[0].id} of an earlier run {went}: same prompts, same experts, same sampling."


class Seen(NamedTuple):
    """How far batches are together."""

    ended: int
    total: int
    output_tokens: int


def chosen_experts(store: Store, wanted: str) -> tuple[ExpertSpec, ...]:
    """Those of `all` or a list with commas; each once; UnknownExpertError names those there are."""
    if wanted != "all":
        names = dict.fromkeys(name.strip() for name in wanted.split(","))
        return tuple(store.experts.get(name) for name in names)
    enabled = tuple(store.experts.enabled().values())
    if not enabled:
        raise NotReadyError("no expert is enabled: `torouter experts load` reads the catalogue")
    return enabled


def begin(store: Store, sender: Sender, request: Request, *, anew: bool = False) -> Collection:
    """Submit what earlier batches of the same request have not answered; all of it the first time, or `anew`.

    Nothing while one of them has not ended. Afterwards each prompt goes again to those experts that failed on it.
    """
    if not request.prompts:
        raise InvalidInputError("no prompts to collect: the file has no line")
    earlier = () if anew else _earlier(store, request)
    if not all(batch.ended for batch in earlier):
        return Collection(earlier, ())
    lines: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for line, experts in enumerate(_lacking(store, request, [batch.id for batch in earlier])):
        if experts:
            lines[experts].append(line)
    details = {FINGERPRINT: request.fingerprint(), **({FOLLOWS: earlier[0].id} if earlier else {})}
    submitted: list[str] = []
    for experts, some in lines.items():
        prompts = tuple(replace(request.prompts[line], details={LINE: line}) for line in some)
        batch = Submission(prompts, request.endpoint, WorkClass.BULK, collect=experts, details=details)
        stored = store.prompts.submit(batch)
        sender.submitted(stored)
        submitted.append(stored.batch_id)
    return Collection(earlier, tuple(submitted))


def wait(store: Store, batches: Sequence[str], progress: Callable[[Seen], None]) -> None:
    """Return once all of them have ended; `progress` gets each look."""
    while True:
        views = [store.batches.get(batch, LOCAL) for batch in batches]
        ended = sum(view.done + view.failed + view.cancelled + view.expired for view in views)
        progress(Seen(ended, sum(view.total for view in views), sum(view.output_tokens for view in views)))
        if all(view.ended for view in views):
            return
        time.sleep(POLL_S)


def outcomes(store: Store, batches: Sequence[str]) -> list[OutcomeRow]:
    """What the experts made of the prompts, in their order; what was asked again joins what was answered first."""
    rows: dict[int | str, OutcomeRow] = {}
    for view in _views(store, batches):
        row, line = outcome_row(view), _line(view)
        key = view.id if line is None else line
        first = rows.setdefault(key, row)
        rows[key] = first.model_copy(update={"outcomes": row.outcomes | first.outcomes})
    return [row for row in rows.values() if row.outcomes]


def unanswered(store: Store, request: Request, collection: Collection) -> Counter[str]:
    """How many of the request's prompts each expert has not answered, for those who lack any."""
    lacking = _lacking(store, request, collection.batches)
    return Counter(expert for experts in lacking for expert in experts)


def _content(prompt: NewPrompt) -> str:
    messages = [message.model_dump() for message in prompt.messages]
    sampling = prompt.sampling.model_dump(exclude_none=True)
    return json.dumps([messages, sampling, prompt.reference, prompt.dataset, prompt.custom_id], sort_keys=True)


def _earlier(store: Store, request: Request) -> tuple[BatchView, ...]:
    """The latest batch that asked for everything, and those that asked for what it lacked."""
    found = store.batches.of_fingerprint(request.endpoint, request.fingerprint(), LOCAL)
    firsts = [place for place, batch in enumerate(found) if FOLLOWS not in (batch.details or {})]
    return tuple(found[firsts[-1] :]) if firsts else ()


def _lacking(store: Store, request: Request, batches: Sequence[str]) -> list[tuple[str, ...]]:
    """For each prompt of the request, the experts that have not answered it."""
    answered: list[set[str]] = [set() for _ in request.prompts]
    for view in _views(store, batches):
        line = _line(view)
        if line is not None:
            answered[line] |= {one.expert for one in view.generations if one.state == State.DONE}
    return [tuple(name for name in request.names if name not in there) for there in answered]


def _views(store: Store, batches: Sequence[str]) -> Iterator[PromptView]:
    for batch in batches:
        for page in store.prompts.of_batch(batch, LOCAL):
            yield from page


def _line(view: PromptView) -> int | None:
    """None for a prompt that no request of ours submitted."""
    return (view.details or {}).get(LINE)
