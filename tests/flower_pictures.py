"""Pictures of Flower for docs/images while callers wait beside a batch: `python -m tests.flower_pictures`.

Headless Chromium, real workers with the synthetic engine, a real Valkey and Flower as `torouter flower` runs it.
"""

import sys
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

from core.queues import WorkClass
from core.schemas.experts import Limits
from core.settings import Settings
from tests.factories import expert, prompt
from tests.integration.test_flower import LOGIN, answers, free_port
from tests.pictures import CHROMIUM, FOLDER, save
from tests.system import System, until

EXPERTS = ("biomed", "code", "general", "math")

#: Of the batch, and how long an answer takes: it must last for all pictures.
PROMPTS, ANSWER_S = 1_200, 2.0

SIZE = {"width": 1400, "height": 800}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="torouter-flower-") as home:
        settings = Settings(home=Path(home), flower_port=free_port(), flower_auth=":".join(LOGIN))
        limits = Limits(bulk_places=16)
        options = {"first_token_s": ANSWER_S, "token_s": 0.0}
        system = System(settings, [expert(name, options=options, limits=limits) for name in EXPERTS])
        try:
            url = start(system)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM)
                take(browser, url, folder)
                browser.close()
        finally:
            system.stop_all()


def start(system: System) -> str:
    """Flower's address, when it knows all workers and the batch is at work."""
    system.start_broker()
    system.promote_random(system.settings.home / "checkpoint", *EXPERTS)
    system.start_process("flower", "flower")
    workers = ("routing", "recovery", *(f"expert {name}" for name in EXPERTS))
    system.start(*workers)
    url = f"http://127.0.0.1:{system.settings.flower_port}"
    with httpx.Client(base_url=url, auth=LOGIN, trust_env=False, timeout=60) as flower:
        until(lambda: answers(flower), "Flower answers")
        system.submit(*(prompt(f"question {number}") for number in range(PROMPTS)), work_class=WorkClass.BULK)
        system.submit(*(prompt(f"caller's question {number}") for number in range(PROMPTS // 20)))
        until(
            lambda: len(flower.get("/api/workers?refresh=1").json()) == len(workers) - 1, "Flower knows the workers"
        )  # recovery is none of Celery's
    return url


def take(browser: Browser, url: str, folder: Path) -> None:
    for view in ("workers", "tasks", "broker"):
        page = browser.new_page(viewport=SIZE, http_credentials={"username": LOGIN[0], "password": LOGIN[1]})
        page.goto(f"{url}/{view}")
        page.wait_for_timeout(3_000)  # its tables ask for their rows
        save(page, folder / f"flower-{view}.png")
        page.close()


if __name__ == "__main__":
    main()
