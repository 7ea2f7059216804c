"""A first router for a system that has none: every expert answers the shipped prompts, and BERT learns from that."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api import collecting, prompt_files
from api.progress import Bar
from core.schemas.conversation import Sampling

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
    collected = collect(up)
    with Bar(up.console, "Collecting: every expert answers every prompt") as bar:

        def progress(seen: collecting.Seen) -> None:
            up.supervisor.poll()
            bar.show(seen.ended, seen.total, f"{seen.output_tokens:,} tokens")

        collecting.wait(up.store, collected.batches, progress)
    write_outcomes(outcomes, collecting.outcomes(up.store, collected.batches))
    # Nothing is held out: there is no router to be compared with, and the prompts are few.
    up.command("train", "--outcomes", str(outcomes), "--out", str(checkpoint), "--router", "bert", "--all")
    promote(up.store, checkpoint, Gate((), up.settings.cache, "torouter up", force=True))
    up.console.print("Promoted: this router routes from now on.")


def collect(up: "Running") -> collecting.Collection:
    """Submit the shipped prompts; what the same experts answered in an earlier run is used again."""
    prompts = tuple(line.new_prompt(SAMPLING) for line in prompt_files.read(COLLECT))
    request = collecting.Request(prompts, collecting.chosen_experts(up.store, "all"), ENDPOINT)
    collected = collecting.begin(up.store, up.sender, request)
    if collected.earlier:
        up.console.print(str(collected), highlight=False)
    return collected
