"""A first router for a system that has none: every expert answers the shipped prompts, and BERT learns from that."""

import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api import collecting, prompt_files
from api.progress import Bar
from core.schemas.conversation import Sampling
from core.schemas.experts import ExpertSpec
from core.schemas.views import BatchView
from core.tables import LOCAL

if TYPE_CHECKING:
    from api.up import Running

#: What the collecting batch says it came from; its answers are used again.
ENDPOINT: Final = "torouter first router"

#: Prompts and references that were written for this, over the domains of the shipped experts.
PROMPTS: Final = Path(__file__).with_name("demo_prompts")
COLLECT: Final = PROMPTS / "collect.jsonl"

#: About as long as the references: what an expert says beyond them takes minutes and tells little.
SAMPLING: Final = Sampling(max_tokens=64)


def make(up: "Running") -> None:
    """Collect, train and promote: this checkpoint routes from now on."""
    from router.outcomes import write_outcomes  # noqa: PLC0415  # numpy
    from workers.promotion import Gate, promote  # noqa: PLC0415  # as above

    folder = up.settings.home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    outcomes, checkpoint = folder / "outcomes.jsonl", folder / f"checkpoint-{time.strftime('%Y%m%d-%H%M%S')}"
    batch = _collecting_batch(up)
    with Bar(up.console, "Collecting: every expert answers every prompt") as bar:

        def progress(seen: BatchView) -> None:
            up.supervisor.poll()
            bar.show(seen.done + seen.failed, seen.total, f"{seen.output_tokens:,} tokens")

        collecting.wait(up.store, batch, progress)
    write_outcomes(outcomes, collecting.outcomes(up.store, batch))
    # Nothing is held out: there is no router to be compared with, and the prompts are few.
    up.command("train", "--outcomes", str(outcomes), "--out", str(checkpoint), "--router", "bert", "--all")
    promote(up.store, checkpoint, Gate((), up.settings.cache, "torouter up", force=True))
    up.console.print("Promoted: this router routes from now on.")


def _collecting_batch(up: "Running") -> str:
    """The batch of an earlier run, if the same experts answered the same prompts in it, or a new one."""
    asked = _fingerprint(up.store.experts.enabled().values())
    left = up.store.batches.latest(ENDPOINT, LOCAL)
    if left is not None and left.details == asked and left.failed + left.cancelled + left.expired == 0:
        went = "has the answers" if left.ended else "goes on"
        up.console.print(f"{left.id} of an earlier run {went}: same prompts, same experts.", highlight=False)
        return left.id
    prompts = [line.new_prompt(SAMPLING) for line in prompt_files.read(COLLECT)]
    experts = collecting.chosen_experts(up.store, "all")
    return collecting.submit(up.store, up.sender, prompts, experts, endpoint=ENDPOINT, details=asked)


def _fingerprint(experts: Iterable[ExpertSpec]) -> dict[str, str]:
    """What decides the answers: prompts, sampling, and all that the catalogue says of the experts."""
    parts = [COLLECT.read_text(encoding="utf-8"), SAMPLING.model_dump_json()]
    parts += sorted(spec.model_dump_json() for spec in experts)
    return {"fingerprint": sha256("\0".join(parts).encode()).hexdigest()}
