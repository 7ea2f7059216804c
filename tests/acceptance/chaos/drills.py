"""Each step, run once by a process that dies at a given point, and then to the end of all work by one that does not.

Messages go nowhere: whatever is to be found again is found in the database, by recovery.
"""

import asyncio
import json
import multiprocessing
import signal
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import httpx

from api.app import create_app
from api.http.batch_lines import Lines
from core import queues
from core.schemas.files import NewBatch, NewFile
from core.settings import Settings
from core.store import Store, failpoints
from core.store.failpoints import Point
from experts import engines
from router import checkpoints
from router.baselines import RandomRouter
from router.config import TrainConfig
from router.manifest import Manifest
from tests.acceptance.chaos.databases import Rows
from tests.factories import OWNER, prompt, submission
from workers import app as celery_app
from workers import batching, generating, lines, process, promoted, recovery, routing, scoring, webhooks
from workers.engine_loop import EngineLoop
from workers.leasing import Leases
from workers.promotion import Gate, promote
from workers.sending import Sender

CHAT = "/v1/chat/completions"

#: A lease of a process that dies is over at once.
DYING_S, LIVING_S = 0.01, 60.0


class Drill:
    """What one process works with; its broker is a memory of its own, which dies with it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store.of(settings)
        self.celery = celery_app.create(settings)
        self.sender = Sender(self.celery, self.store.recovery, settings)
        #: Where its webhooks go.
        self.receiver_url = ""

    def pending(self, table: str) -> list[int]:
        """Rows that wait, whether a message of them is under way or not."""
        found = Rows(self.settings.database).of(f"SELECT id FROM {table} WHERE state = 'pending' ORDER BY id")
        return [row.id for row in found]

    def calls(self) -> int:
        """Webhooks that are still to be delivered."""
        found = Rows(self.settings.database).of(
            "SELECT count(*) AS n FROM webhook WHERE state IN ('pending', 'running')"
        )
        return int(found[0].n)

    def call(self, request: dict[str, Any]) -> httpx.Response:
        """Of the API."""

        async def send() -> httpx.Response:
            app = create_app(self.settings, self.store, self.sender)
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://torouter") as client:
                return await client.request(**request)

        return asyncio.run(send())

    def route(self, ids: list[int]) -> None:
        serving = promoted.Promoted(self.store, self.settings.cache, checkpoints.load)
        leases = Leases(self.store.prompts, self.settings.lease_s)
        using = routing.Using(self.store, self.sender, leases, self.settings)
        routing.route(ids, serving.serving(), using)

    def generate(self, ids: list[int], stopping: float | None = None) -> None:
        specs = self.store.experts.enabled()
        engine = EngineLoop(engines.create([specs["a"]], self.settings.cache))
        leases = Leases(self.store.generations, self.settings.lease_s)
        using = generating.Using(self.store, self.sender, leases, engine, specs, self.settings)
        engine.start()
        if stopping is not None:  # after so many seconds, while the engine is at it
            threading.Timer(stopping, using.stopping.set).start()
        generating.generate(ids, using)
        engine.stop()

    def score(self, ids: list[int]) -> None:
        leases = Leases(self.store.scores, self.settings.lease_s)
        scoring.score(ids, scoring.Using(self.store, leases, lambda answers, _: [0.5] * len(answers), self.settings))

    def renew(self, ids: list[int]) -> None:
        leases = Leases(self.store.prompts, self.settings.lease_s)
        items = self.store.prompts.claim(ids, leases.owner, leases.lease_s)
        with leases.holding(item.claim for item in items):
            leases.renew()

    def take_message(self, ids: list[int]) -> None:
        """As Celery would, which has acknowledged it."""
        process.bind(self.celery, queues.ROUTE, lambda ids, _queue: self.route(ids))
        task = self.celery.tasks[queues.ROUTE]
        task.push_request(delivery_info={"routing_key": "route.interactive"})
        task(**queues.message(ids))

    def move_batches(self) -> None:
        leases = Leases(self.store.batch_jobs, self.settings.lease_s)
        using = lines.Using(self.store, self.sender, leases, Lines(self.store), self.settings)
        while job := batching.claim(using):
            batching.advance(job, using)

    def answer(self) -> None:
        """All that waits for it, from the first step to the last."""
        self.route(self.pending("prompt"))
        self.generate(self.pending("generation"))
        self.score(self.pending("score"))

    def recover(self) -> None:
        recovery.sweep(self.store, self.sender, lambda _queue: 0, self.settings)

    def deliver(self) -> None:
        webhooks.deliver(self.store, self.settings, "drill")

    def promote(self) -> None:
        router = RandomRouter(("a",), 1)
        manifest = Manifest(kind=router.kind, experts=router.experts, config=TrainConfig(router="random", seed=1))
        folder = self.settings.home / "candidate"
        if not folder.exists():
            checkpoints.save(router, folder, manifest)
        promote(self.store, folder, Gate((), self.settings.cache, "a drill", force=True))

    def fetch_router(self) -> None:
        promoted.Promoted(self.store, self.settings.cache, checkpoints.load).refresh()


class Post(Sender):
    """Keeps what is sent, for who plays the workers."""

    def __init__(self, drill: Drill) -> None:
        super().__init__(drill.celery, drill.store.recovery, drill.settings)
        self.kept: defaultdict[str, list[int]] = defaultdict(list)

    def send(self, dispatches: Any) -> bool:
        for dispatch in dispatches:
            self.kept[dispatch.task] += dispatch.ids
        return True

    def is_full(self, queue: str) -> bool:
        return False

    def room(self, queue: str, task: str) -> int:
        return 1000


def finish(settings: Settings) -> None:
    """Do all that is to be done, by what recovery finds."""
    drill = Drill(settings.model_copy(update={"lease_s": LIVING_S}))
    drill.sender = post = Post(drill)
    steps: dict[str, Callable[[list[int]], None]] = {
        queues.ROUTE: drill.route,
        queues.GENERATE: drill.generate,
        queues.SCORE: drill.score,
    }
    idle = 0
    while idle < 3 or drill.calls():
        drill.move_batches()
        drill.deliver()
        drill.recover()
        sent, post.kept = post.kept, defaultdict(list)
        for task, ids in sent.items():
            steps[task](ids)
        idle = 0 if sent else idle + 1
        if not sent:
            threading.Event().wait(2 * settings.resend_after_s)
    drill.store.close()


def dies(settings: Settings, point: Point, act: str, *arguments: Any) -> bool:
    """Whether a process that is armed with the point dies of it while it does `act` of a drill."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    child = context.Process(target=_act, args=(settings, str(point), act, arguments))
    child.start()
    child.join(60)
    status = child.exitcode
    child.kill()
    child.close()
    return status == -signal.SIGKILL


def _act(settings: Settings, point: str, act: str, arguments: tuple[Any, ...]) -> None:
    failpoints.arm(point)
    getattr(Drill(settings), act)(*arguments)


def file_of_lines(settings: Settings, count: int = 4, **fields: Any) -> str:
    """A batch that came as a file, with references; its id."""
    store = Store.of(settings)
    key = "files/lines"
    with store.blobs.writing(key) as file:
        for number in range(count):
            body = {"model": "a", "messages": [{"role": "user", "content": f"question {number}"}]}
            line = {"custom_id": f"line-{number}", "method": "POST", "url": CHAT, "body": body, "reference": "it is"}
            file.write(json.dumps(line).encode() + b"\n")
        size = file.tell()
    view = store.files.add(OWNER, NewFile("lines.jsonl", "batch", size, key, None))
    batch = store.batches.create(NewBatch(view.id, CHAT, "24h", 86_400, "fail", OWNER, **fields)).id
    store.close()
    return batch


def submitted(settings: Settings, count: int = 3) -> list[int]:
    """Prompts that wait to be routed."""
    store = Store.of(settings)
    asked = [prompt(f"question {number}", expert="a", reference="it is") for number in range(count)]
    ids = store.prompts.submit(submission(*asked)).ids
    store.close()
    return ids
