"""Pictures of the web page for docs/images, in headless Chromium, over made-up work: `python -m tests.pictures`."""

import math
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import insert, update

from api.app import create_app
from core.queues import WorkClass
from core.schemas.experts import Location
from core.schemas.work import Failure, NewPrompt, ScoreValue, Submitted
from core.settings import Settings
from core.store import Store
from core.tables import BATCH, USAGE_HOUR
from tests import factories
from tests.integration.api.played import PlayedWorkers
from tests.serving import serving

FOLDER = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")

#: A text, who answers it best, an answer and a reference.
KNOWN = [
    (
        "Tom has 3 boxes of 12 eggs each and breaks 5 of them on his way home. How many eggs are whole?",
        "math",
        "There are 3 * 12 = 36 eggs in the boxes.\nTom breaks 5, so 36 - 5 = 31 eggs are whole.\n\nThe answer is 31.",
        "36 eggs minus the 5 broken ones leaves 31 whole eggs.",
    ),
    (
        "Does regular walking lower blood pressure in older adults?",
        "biomed",
        "Yes. Trials of moderate walking report a fall of systolic pressure by some 4 mmHg.",
        "Yes, by a few mmHg.",
    ),
    (
        "Write a Python function that returns the n-th Fibonacci number without recursion.",
        "code",
        "def fibonacci(n: int) -> int:\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a",
        "A loop over two variables that swaps and adds.",
    ),
    (
        "Which of these is an example of a chemical change: melting ice, rusting iron, tearing paper, boiling water?",
        "general",
        "Rusting iron is a chemical change: iron and oxygen become iron oxide.",
        "Rusting iron.",
    ),
]
PRICES = {"general": (0.02, 0.04), "math": (0.025, 0.05), "code": (0.03, 0.06), "biomed": (0.035, 0.07)}
EXPERTS = tuple(PRICES)

MANIFEST = {
    "kind": "bert-heads",
    "experts": EXPERTS,
    "data": {"train": 1216, "quality": "bertsim", "datasets": {"arc_challenge": 304, "gsm8k": 304}},
    "train_seconds": 412.0,
    "metrics": {"bertsim": {"n": 160, "value": 0.611, "ci95": [0.584, 0.638]}},
}
VERDICT = {
    "better": True,
    "reason": "better",
    "quality": "bertsim",
    "against": "checkpoint_1",
    "n": 640,
    "candidate": 0.611,
    "current": 0.593,
    "difference": 0.018,
    "ci95": [0.006, 0.031],
    "by": "torouter promote",
    "forced": False,
}


class Shown:
    """A store with work in it, which a played router and played experts have done."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self._random = random.Random(7)
        store.experts.sync([_expert(name) for name in EXPERTS])
        (folder / "checkpoint").mkdir()
        (folder / "checkpoint" / "manifest.json").write_text("{}")
        promoted = store.checkpoints.add(folder / "checkpoint", MANIFEST)
        store.checkpoints.promote(promoted.public_id, VERDICT)
        self._checkpoint_id = promoted.id

    def submit(self, count: int, **changes: Any) -> Submitted:
        prompts = [self._prompt(n) for n in range(count)]
        return factories.submit(self.store, *prompts, **{"work_class": WorkClass.BULK, **changes})

    def work(self, submitted: Submitted, count: int | None = None, failing: Sequence[int] = ()) -> None:
        """Route all and answer so many of a submission's prompts."""
        items = self.store.prompts.claim(submitted.ids, "router", factories.LEASE_S)
        routed = []
        for item in items:
            best = next(one[1] for one in KNOWN if one[0] in item.messages[-1].content)
            values = {name: round(self._random.uniform(0.38, 0.58), 4) for name in EXPERTS}
            values[best] = round(self._random.uniform(0.6, 0.78), 4)
            told = {"prediction_kind": "quality", "predictions": values, "checkpoint_id": self._checkpoint_id}
            chosen = item.collect or (max(values, key=values.__getitem__),)
            routed.append(factories.routed(item, *chosen, **(told if item.collect is None else {})))
        ids = sorted(id_ for dispatch in self.store.prompts.decide(routed) for id_ in dispatch.ids)
        claimed = factories.claim(self.store, ids[:count])
        bad = {claimed[place].claim.id for place in failing}
        failures = [Failure(one.claim, *LONG) for one in claimed if one.claim.id in bad]
        self.store.generations.fail(failures)
        results = [self._result(one) for one in claimed if one.claim.id not in bad]
        opened = self.store.generations.finish(results)
        scores = self.store.scores.claim(opened, "scorer", factories.LEASE_S)
        self.store.scores.finish([ScoreValue(one.claim, self._random.betavariate(9, 5)) for one in scores])

    def remember(self, hours: int) -> None:
        """Hours that were before."""
        now = int(time.time()) // 3600 * 3600
        rows = []
        for back in range(1, hours):
            day = 0.55 + 0.45 * math.sin((back % 24) / 24 * 2 * math.pi)
            for name, share in zip(EXPERTS, (0.41, 0.27, 0.18, 0.14), strict=True):
                done = int(share * 2600 * day * self._random.uniform(0.7, 1.2))
                low, high = PRICES[name]
                rows.append(
                    {
                        "owner": factories.OWNER,
                        "hour_at": now - 3600 * back,
                        "expert": name,
                        "done": done,
                        "failed": done // 400,
                        "input_tokens": done * 84,
                        "output_tokens": done * 131,
                        "cost_usd": done * (84 * low + 131 * high) / 1e6,
                        "scored": done // 3,
                        "quality_sum": done // 3 * (0.6 + 0.03 * day + self._random.uniform(-0.015, 0.015)),
                    }
                )
        with self.store._database.write() as connection:
            connection.execute(insert(USAGE_HOUR), rows)

    def age(self, submitted: Submitted, minutes: float, took_s: float | None = None) -> None:
        created = time.time() - 60 * minutes
        values = {"created_at": created} | ({"finished_at": created + took_s} if took_s else {})
        with self.store._database.write() as connection:
            connection.execute(update(BATCH).where(BATCH.c.public_id == submitted.batch_id).values(values))

    def _prompt(self, n: int) -> NewPrompt:
        text, _, _, reference = KNOWN[n % len(KNOWN)]
        return factories.prompt(text, reference=reference if n % 3 else None, custom_id=f"q{n + 1:05}")

    def _result(self, item: Any) -> Any:
        text, _, answer, _ = next(one for one in KNOWN if one[0] in item.messages[-1].content)
        low, high = PRICES[item.expert]
        read, written = len(text) // 3, len(answer) // 3 + self._random.randrange(20)
        return factories.result(
            item.claim,
            answer,
            input_tokens=read,
            output_tokens=written,
            cost_usd=(read * low + written * high) / 1e6,
            inference_s=self._random.uniform(0.6, 2.4),
            queue_s=self._random.uniform(0.002, 0.2),
            first_token_s=self._random.uniform(0.05, 0.3),
            nll_answer=self._random.uniform(0.3, 1.1),
        )


LONG = ("context_length_exceeded", "the prompt has 2,310 tokens and math takes 2,048 of prompt and answer together")


def _expert(name: str) -> Any:
    low, high = PRICES[name]
    location = Location.CLOUD if name == "biomed" else Location.EDGE
    return factories.expert(name, price_in_usd_per_mtok=low, price_out_usd_per_mtok=high, location=location)


def fill(shown: Shown) -> dict[str, str]:
    """Work of all kinds; ids of what is looked at."""
    shown.remember(720)
    nightly = shown.submit(480, details={"run": "nightly-7"})
    shown.work(nightly, failing=(3, 40, 77))
    shown.age(nightly, 190, 612)
    compare = shown.submit(48, collect=EXPERTS, details={"for": "retraining"})
    shown.work(compare)
    shown.age(compare, 96, 240)
    asked = shown.submit(1, work_class=WorkClass.INTERACTIVE)
    shown.work(asked)
    shown.age(asked, 14, 2)
    running = shown.submit(1000, details={"run": "nightly-8"})
    shown.work(running, 412, failing=(8, 90))
    shown.age(running, 3)
    waiting = shown.submit(250)
    shown.age(waiting, 1)
    return {"running": running.batch_id, "nightly": nightly.batch_id, "prompt": nightly.prompt_ids[4]}


@contextmanager
def served(store: Store, folder: Path) -> Iterator[str]:
    workers = PlayedWorkers(store)
    app = create_app(Settings(home=folder, port=0), store, workers)
    with serving(app) as found:
        yield found
    workers.stop()


#: What is taken: view, device, colours.
PICTURES = (
    ("overview", "desktop", "light"),
    ("overview", "phone", "dark"),
    ("batches", "desktop", "dark"),
    ("batch", "desktop", "light"),
    ("prompt", "desktop", "dark"),
    ("prompt", "phone", "light"),
    ("try", "phone", "dark"),
    ("routing", "desktop", "light"),
)
SIZES = {"desktop": (1200, 900), "phone": (390, 844)}

#: Colours of a picture: plain pages need no more, and it is half as large.
COLOURS = 256


def take(browser: Browser, url: str, names: dict[str, str], folder: Path) -> None:
    addresses = {"overview": "", "batch": f"batches/{names['running']}", "prompt": f"prompts/{names['prompt']}"}
    for view, device, scheme in PICTURES:
        width, height = SIZES[device]
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.goto(f"{url}/#/{addresses.get(view, view)}")
        page.wait_for_load_state("networkidle") if view != "batch" else page.wait_for_selector(".prompts tbody tr")
        if view == "try":
            _try(page)
        page.wait_for_timeout(500)  # bars grow
        save(page, folder / f"page-{view}-{device}-{scheme}.png", full_page=view != "batch")
        page.close()


def save(page: Page, path: Path, *, full_page: bool = False) -> None:
    """A picture of the page as it is now."""
    page.screenshot(path=path, full_page=full_page)
    Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _try(page: Page) -> None:
    page.get_by_label("Prompt", exact=True).fill("Does regular walking lower blood pressure in older adults?")
    page.get_by_role("button", name="Send").click()
    page.wait_for_selector("article .facts")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        store = Store(f"sqlite:///{home}/torouter.db", f"file://{home}/files")
        store.schema.upgrade()
        names = fill(Shown(store, Path(home)))
        with served(store, Path(home)) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM)
            take(browser, url, names, folder)
            browser.close()
        store.close()


if __name__ == "__main__":
    main()
