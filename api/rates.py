"""How often keys call: counted at the broker, for all API processes, and here while it can't be. Knows no HTTP."""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from kombu import Connection
from kombu.exceptions import OperationalError
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from core.errors import NotReadyError
from workers.away import Away

log = logging.getLogger(__name__)

#: Seconds that the broker has for an answer.
ANSWER_S: Final = 0.5

#: What says that it gave none.
LOST: Final = (RedisError, OperationalError, OSError)

#: What the counts are called at the broker.
PREFIX: Final = "torouter-rate"


@dataclass(frozen=True, slots=True)
class Rate:
    """What a request leaves of its key's requests per minute."""

    taken: bool
    limit: int
    left: int
    #: Until some of it comes back.
    reset_s: float


class Rates:
    """Threads share it."""

    def __init__(self, broker_url: str) -> None:
        self._broker = Connection(
            broker_url,
            transport_options={"socket_timeout": ANSWER_S, "socket_connect_timeout": ANSWER_S},
        )
        self._lock = threading.Lock()
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._is_redis = self._broker.transport.driver_type == "redis"
        self._away = Away(*LOST)
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, who: str, per_minute: int) -> Rate:
        """Count a request. Never an error: a broker that is away or full costs the others' counts, and no request."""
        if self._is_redis:
            try:
                with self._away.trying():
                    return _take(self._at_broker(), who, per_minute)
            except NotReadyError:
                pass  # that it is away has been said
            except LOST as error:
                log.warning("requests are counted in this process alone, as the broker does not answer: %s", error)
        return _take(self._here, who, per_minute)

    def close(self) -> None:
        """Let go of the broker."""
        self._broker.release()

    def _at_broker(self) -> SlidingWindowCounterRateLimiter:
        with self._lock:
            if self._shared is None:
                pool: Any = self._broker.default_channel.pool  # Any: kombu ships no types
                self._shared = SlidingWindowCounterRateLimiter(
                    RedisStorage("redis://", connection_pool=pool, key_prefix=PREFIX)
                )
            return self._shared


def _take(limiter: SlidingWindowCounterRateLimiter, who: str, per_minute: int) -> Rate:
    item = RateLimitItemPerMinute(per_minute)
    taken = limiter.hit(item, who)
    left = limiter.get_window_stats(item, who)
    return Rate(taken, per_minute, left.remaining, max(0.0, left.reset_time - time.time()))
