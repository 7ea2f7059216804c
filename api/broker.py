"""Is the broker there? One short look, for readiness; sending does not depend on it."""

from kombu import Connection
from kombu.exceptions import OperationalError

from core.errors import NotReadyError

#: Seconds for connecting, and for the broker's answer.
LOOK_S = 2.0


def reach(url: str) -> None:
    """Connect to the broker and leave again; NotReadyError says why it can't be reached."""
    options = {"socket_connect_timeout": LOOK_S, "socket_timeout": LOOK_S} if url.startswith("redis") else {}
    with Connection(url, connect_timeout=LOOK_S, transport_options=options) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=LOOK_S)
            # A virtual transport (Redis) speaks to its server only when a channel is opened.
            connection.default_channel.close()
        except (OperationalError, OSError, *connection.connection_errors) as error:
            why = str(error)[:200]
            cure = "start it or mend TOROUTER_BROKER_URL"
            if url.startswith("redis:") and ("reset" in why or "closed" in why):
                cure += " (rediss://… where it speaks TLS)"
            raise NotReadyError(f"the broker can't be reached ({why}): {cure}") from error
