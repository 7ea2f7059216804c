"""Celery's consumer, which neither a message that is none nor a broker's way of handing out more may upset."""

from typing import Any

from celery.worker import consumer


class Consumer(consumer.Consumer):  # type: ignore[misc]  # Celery ships no types
    """Of all our workers: `worker_consumer` names it."""

    connection_errors: tuple[type[Exception], ...]

    def __init__(self, *arguments: Any, **options: Any) -> None:  # Any: as above
        super().__init__(*arguments, **options)
        # What kombu can't read is off its queue by then. Celery takes these for bugs and ends the process, whatever
        # model it has in memory; a new connection is enough.
        self.connection_errors = (*self.connection_errors, ValueError, TypeError, AttributeError, LookupError)
        # A broker that pushes, as RabbitMQ does, hands out as many messages as may be unacknowledged, whether a thread
        # is free or not; with one at a time the reserve (workers/reserve.py) holds there too. Redis is asked instead.
        if self.conninfo.transport.driver_type != "redis":
            self.initial_prefetch_count = 1
