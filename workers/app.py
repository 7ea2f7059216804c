"""The Celery app: its configuration, and the tasks that bind steps to it. Importing it builds nothing."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError
from kombu.utils.url import parse_url

from core import queues
from core.errors import NotReadyError
from core.queues import WorkClass
from core.schemas.urls import TLS
from core.settings import Settings

#: Seconds for a connection and for an answer of the broker; publishing then gives up, and recovery sends later.
BROKER_TIMEOUT_S = 5

#: Seconds that a worker's poll of its queues waits at the broker, before it is sent again.
POLL_S = 0.1


def create(settings: Settings) -> Celery:
    """The app of one process, without tasks: enough to send by name, to consume, and for Flower."""
    app = Celery("torouter", broker=settings.broker)
    app.conf.update(
        broker_use_ssl=_tls(settings.broker),
        # The database is the truth and its leases alone bring work back: no results, early acks, JSON only.
        task_ignore_result=True,
        task_acks_late=False,
        task_serializer="json",
        result_serializer="json",
        event_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        enable_utc=True,
        # A misspelt expert fails loudly; a worker takes no more messages than it has threads.
        task_create_missing_queues=False,
        worker_disable_prefetch=True,
        worker_prefetch_multiplier=1,
        worker_consumer="workers.consumer:Consumer",
        worker_enable_prefetch_count_reduction=False,  # which would raise it after a reconnection
        # Publishing gives up early.
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1, "interval_max": 0.5},
        broker_connection_timeout=BROKER_TIMEOUT_S,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A Redis that is full, or loads its data, answers with an error: no reason to end, with a model in memory.
        broker_channel_error_retry=True,
        broker_transport_options={
            # A bulk queue that is consumed again (workers/reserve.py) waits for the end of the poll that is under way:
            # with kombu's 1 s, a worker took 4 short chunks a second.
            "polling_interval": POLL_S,
            "queue_order_strategy": "priority",  # the first queue named is emptied first: interactive before bulk
            "socket_timeout": 30,
            "socket_connect_timeout": BROKER_TIMEOUT_S,
            "socket_keepalive": True,
        },
        # For Flower: who runs what; arguments are ids.
        worker_send_task_events=True,
        task_track_started=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app


def _tls(broker: str) -> Any:  # Any: kombu's options, or False
    """What a broker's URL says of TLS. kombu reads it there too; Flower's page of queues reads it here."""
    return parse_url(broker).get("ssl", False) if broker.startswith(TLS) else False


def depth(app: Celery, queue: str) -> int:
    """How many messages wait in a queue; 0 where the broker has none of that name, NotReadyError where it is away."""
    with app.pool.acquire(block=True) as connection, _ours(connection):  # one is kept, since making it takes longer
        channel = connection.default_channel
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            return 0


def all_queues(experts: Iterable[str]) -> list[str]:
    """Names of all queues of a system with these experts."""
    routes = [queues.route_queue(work_class) for work_class in WorkClass]
    theirs = [queues.expert_queue(name, work_class) for name in experts for work_class in WorkClass]
    return [*routes, *theirs, queues.SCORE_QUEUE, queues.RETRAIN_QUEUE]


def declare(app: Celery, names: list[str]) -> None:
    """Make the app know queues by name, in order of urgency."""
    app.conf.task_queues = [*(app.conf.task_queues or []), *(Queue(name, routing_key=name) for name in names)]


def schedule_retraining(app: Celery, every_s: float) -> None:
    """Make beat ask for a retraining every so often. One that nobody began before the next is due is forgotten."""
    declare(app, [queues.RETRAIN_QUEUE])
    app.conf.beat_schedule = {
        queues.RETRAIN: {
            "task": queues.RETRAIN,
            "schedule": every_s,
            "kwargs": queues.message([]),
            "options": {"queue": queues.RETRAIN_QUEUE, "expires": every_s},
        }
    }


@contextmanager
def _ours(connection: Any) -> Iterator[None]:  # Any: kombu ships no types
    try:
        yield
    except (OperationalError, *connection.connection_errors) as error:
        raise NotReadyError(f"the broker does not answer: {error}") from error
