"""What the store has learned: each prompt with what experts made of it, as routers read it."""

from collections.abc import Iterator
from typing import Final

from core.schemas.conversation import routing_text
from core.schemas.outcomes import Outcome, OutcomeRow
from core.schemas.views import GenerationView, PromptView
from core.store.prompts import Prompts
from core.tables import State

#: By finish reason: whether the answer was cut off at its most tokens. Others say nothing about that.
TRUNCATED: Final = {"length": 1.0, "stop": 0.0}


class Outcomes:
    """Reads through `Prompts`; knows no SQL of its own."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts

    def of_batch(self, batch: str, owner: str) -> Iterator[OutcomeRow]:
        """Rows of the prompts that at least one expert answered, in the order of submission."""
        for page in self._prompts.of_batch(batch, owner):
            yield from (row for row in map(outcome_row, page) if row.outcomes)

    def every(self, owner: str | None = None) -> Iterator[OutcomeRow]:
        """The same of all batches, of one owner or of all; a prompt that was compared comes once for each batch."""
        for page in self._prompts.every(owner):
            yield from (row for row in map(outcome_row, page) if row.outcomes)


def outcome_row(prompt: PromptView) -> OutcomeRow:
    """A prompt and its outcomes; an expert that failed on it is absent."""
    return OutcomeRow(
        id=prompt.custom_id or prompt.id,
        dataset=prompt.dataset or "default",
        prompt=routing_text(prompt.messages),
        reference=prompt.reference,
        outcomes={one.expert: outcome(one) for one in prompt.generations if one.state == State.DONE},
    )


def outcome(generation: GenerationView) -> Outcome:
    """What a generation taught; further scorers stand under their names."""
    return Outcome(
        nll=generation.nll_reference,
        nll_answer=generation.nll_answer,
        latency_s=generation.inference_s,
        input_tokens=generation.input_tokens,
        output_tokens=generation.output_tokens,
        cost=generation.cost_usd,
        truncated=TRUNCATED.get(generation.finish_reason or ""),
        **generation.scores,
    )
