"""A process that dies at a failpoint, at each of them: what it was doing is done, and nothing twice."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigError
from core.settings import Settings
from core.store import failpoints
from core.store.failpoints import Point, failpoint
from tests.acceptance.chaos import moves
from tests.acceptance.chaos.databases import Rows
from tests.acceptance.chaos.drills import CHAT, DYING_S, LIVING_S, Drill, dies, file_of_lines, finish, submitted
from tests.acceptance.chaos.invariants import open_rows
from tests.acceptance.chaos.receivers import Receiver, receiving
from tests.factories import OWNER, expert

PROMPTS = {"method": "POST", "url": "/v1/prompts", "json": {"prompts": [{"prompt": "one"}, {"prompt": "two"}]}}
FILE = {"method": "POST", "url": "/v1/files", "files": {"file": ("f", b"x")}, "data": {"purpose": "batch"}}

FAST = {"first_token_s": 0, "token_s": 0}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that all begin with, made once: migrating takes longer than most drills."""
    settings = Settings(home=tmp_path_factory.mktemp("template"), broker_url="memory://")
    drill = Drill(settings)
    drill.store.schema.upgrade()
    drill.store.experts.sync([expert("a", options=FAST)])
    moves.watch(Rows(settings.database))
    drill.promote()
    drill.store.close()
    return settings.home


@pytest.fixture
def settings(tmp_path: Path, template: Path) -> Settings:
    """One expert, a router that is promoted, and a database that notes every move that must not be."""
    settings = Settings(
        home=tmp_path,
        broker_url="memory://",
        lease_s=DYING_S,
        resend_after_s=0.02,
        batch_window=2,
        drain_s=0,
        min_free_bytes=0,
        route_chunk=1,
        webhook_private=True,
        webhook_secret=f"whsec_{'A' * 32}",
        webhook_timeout_s=10.0,
    )
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return settings


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def drill(settings: Settings, receiver: Receiver) -> Iterator[Drill]:
    """Who does what comes before, and dies of nothing."""
    drill = Drill(settings.model_copy(update={"lease_s": LIVING_S}))
    drill.receiver_url = receiver.url
    yield drill
    drill.store.close()


Arranged = tuple[str, *tuple[Any, ...]]


def accepting(_drill: Drill) -> Arranged:
    return "call", PROMPTS


def uploading(_drill: Drill) -> Arranged:
    return "call", FILE


def creating(drill: Drill) -> Arranged:
    file = drill.call(FILE).json()["id"]
    body = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}
    return "call", {"method": "POST", "url": "/v1/batches", "json": body}


def cancelling(drill: Drill) -> Arranged:
    return "call", {"method": "POST", "url": f"/v1/batches/{file_of_lines(drill.settings)}/cancel"}


def taking_a_message(drill: Drill) -> Arranged:
    return "take_message", submitted(drill.settings)


def renewing(drill: Drill) -> Arranged:
    return "renew", submitted(drill.settings)


def routing(drill: Drill) -> Arranged:
    return "route", submitted(drill.settings)


def loading_a_router(_drill: Drill) -> Arranged:
    return ("fetch_router",)


def generating(drill: Drill) -> Arranged:
    drill.route(submitted(drill.settings))
    return "generate", drill.pending("generation")


def stopping_to_generate(drill: Drill) -> Arranged:
    drill.store.experts.sync([expert("a", options={"first_token_s": 30})])
    return (*generating(drill), 0.1)


def scoring(drill: Drill) -> Arranged:
    drill.route(submitted(drill.settings))
    drill.generate(drill.pending("generation"))
    return "score", drill.pending("score")


def reading_a_file(drill: Drill) -> Arranged:
    file_of_lines(drill.settings)
    return ("move_batches",)


def stopping_a_batch(drill: Drill) -> Arranged:
    batch = file_of_lines(drill.settings)
    drill.move_batches()
    drill.route(drill.pending("prompt")[:2])
    drill.store.batches.cancel(batch, OWNER)
    return ("move_batches",)


def writing_a_file(drill: Drill) -> Arranged:
    reading_a_file(drill)
    drill.move_batches()
    drill.answer()
    return ("move_batches",)


def calling(drill: Drill) -> Arranged:
    file_of_lines(drill.settings, webhook_url=drill.receiver_url)
    drill.move_batches()
    drill.answer()
    drill.move_batches()
    return ("deliver",)


def reclaiming(drill: Drill) -> Arranged:
    drill.store.prompts.claim(submitted(drill.settings), "dead", 0.001)
    return ("recover",)


def finding_lost_messages(drill: Drill) -> Arranged:
    submitted(drill.settings)
    time.sleep(2 * drill.settings.resend_after_s)
    return ("recover",)


def sending_what_is_unsent(drill: Drill) -> Arranged:
    submitted(drill.settings)
    drill.store.recovery.resend("route.interactive", older_s=-1)
    return ("recover",)


def promoting(_drill: Drill) -> Arranged:
    return ("promote",)


#: Who dies where.
DOING: dict[Callable[[Drill], Arranged], tuple[Point, ...]] = {
    accepting: (Point.PROMPTS_STORED, Point.PROMPTS_SENT, Point.MESSAGES_PARTLY_SENT),
    uploading: (Point.FILE_STORED, Point.FILE_ADDED),
    creating: (Point.BATCH_CREATED,),
    cancelling: (Point.BATCH_CANCELLED,),
    taking_a_message: (Point.MESSAGE_TAKEN, Point.MESSAGE_DONE),
    renewing: (Point.LEASES_RENEWED,),
    routing: (Point.ROUTING_CLAIMED, Point.ROUTING_CHOSEN, Point.ROUTING_STORED),
    loading_a_router: (Point.ROUTER_FETCHED,),
    generating: (
        *(Point.GENERATING_CLAIMED, Point.GENERATING_ASKED),
        *(Point.GENERATING_ANSWERED, Point.GENERATING_STORED),
    ),
    stopping_to_generate: (Point.GENERATING_GIVEN_BACK,),
    scoring: (Point.SCORING_CLAIMED, Point.SCORING_COMPUTED, Point.SCORING_STORED),
    reading_a_file: (
        *(Point.BATCH_CLAIMED, Point.BATCH_STEPPED),
        *(Point.VALIDATING_READ, Point.VALIDATING_STARTED, Point.LINES_STORED),
    ),
    stopping_a_batch: (Point.STOPPING_PROMPTS, Point.STOPPING_GENERATIONS, Point.STOPPING_ENDED),
    writing_a_file: (Point.OUTPUT_PARTLY_WRITTEN, Point.OUTPUT_WRITTEN, Point.OUTPUT_FINISHED),
    calling: (Point.WEBHOOK_CLAIMED, Point.WEBHOOK_CALLED),
    reclaiming: (Point.RECOVERY_RECLAIMED,),
    finding_lost_messages: (Point.RECOVERY_FORGOT,),
    sending_what_is_unsent: (Point.RECOVERY_TAKEN,),
    promoting: (Point.CHECKPOINT_PUT, Point.CHECKPOINT_ADDED, Point.CHECKPOINT_PROMOTED),
}


@pytest.mark.parametrize(
    ("arrange", "point"), [pytest.param(who, point, id=point) for who, points in DOING.items() for point in points]
)
def test_who_dies_at_a_failpoint_leaves_nothing_undone_and_nothing_done_twice(
    arrange: Callable[[Drill], Arranged], point: Point, settings: Settings, drill: Drill, receiver: Receiver
):
    act, *arguments = arrange(drill)

    assert dies(settings, point, act, *arguments)
    drill.store.experts.sync([expert("a", options=FAST)])
    finish(settings)

    rows = Rows(settings.database)
    assert open_rows(rows) == {}
    assert moves.broken(rows) == []
    ends = [row.state for row in rows.of("SELECT state FROM prompt")]
    assert set(ends) <= ({"done", "cancelled"} if arrange is stopping_a_batch else {"done"})
    answers = Counter(row.prompt_id for row in rows.of("SELECT prompt_id FROM generation WHERE state = 'done'"))
    assert list(answers.values()) == [1] * ends.count("done")
    for row in rows.of("SELECT total, done, cancelled, failed, state FROM batch"):
        assert row.state == "failed" or row.total == row.done + row.cancelled + row.failed
    assert all(len(events) == 1 for events in receiver.events.values())


def test_every_failpoint_has_its_drill():
    assert {point for points in DOING.values() for point in points} == set(Point)


def test_a_point_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match=r"TOROUTER_FAILPOINT='nowhere'.*routing\.claimed"):
        failpoints.arm("nowhere")


def test_a_process_that_is_not_armed_passes_them():
    failpoints.arm("")

    failpoint(Point.ROUTING_CLAIMED)
