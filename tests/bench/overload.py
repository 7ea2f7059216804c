"""More than the system can do: `python -m tests.bench.overload`. Real processes, one synthetic expert.

How long a fresh submission takes while thousands of clients wait for something else, and what becomes of twice the load
that the expert sustains: what was accepted is answered, the rest is told when to come back, and then all is as before.
"""

import argparse
import asyncio
import contextlib
import socket
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from api.listening import allow_connections
from core.settings import Settings
from tests.factories import expert, prompt
from tests.system import System, until

#: The expert answers so many prompts at once, each in so many seconds.
PLACES, ANSWER_S = 8, 0.4
SUSTAINED_PER_S = PLACES / ANSWER_S

#: Prompts that may wait, a few seconds' worth.
WAITING = 100

#: Submissions of a measurement.
POSTS = 100

console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.overload", description=__doc__)
    parser.add_argument("--idle", type=int, nargs="*", default=[0, 1000, 3000], help="numbers of idle clients")
    parser.add_argument("--seconds", type=float, default=60, help="of overload")
    given = parser.parse_args()
    allow_connections(max(given.idle))
    with tempfile.TemporaryDirectory(prefix="torouter-overload-") as home:
        system = start(Path(home))
        try:
            asyncio.run(measure(system, given.idle, given.seconds))
        finally:
            system.stop_all()


def start(home: Path) -> System:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(home=home, port=port, max_waiting_interactive=WAITING, log_level="ERROR")
    options = {"first_token_s": ANSWER_S, "token_s": 0}
    slow = expert("slow", options=options, limits={"interactive_places": PLACES, "interactive_threads": 32})
    system = System(settings, [slow, expert("nobody")])
    system.start_broker()
    system.start("routing", "recovery", "expert slow")
    system.start_process("api", "serve")
    return system


async def measure(system: System, idle: list[int], overload_s: float) -> None:
    url = f"http://127.0.0.1:{system.settings.port}"
    until(lambda: serves(url), "the API serves")
    waited = system.submit(prompt(expert="nobody"))
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=200)) as client:
        table = Table("idle clients", "p50 ms", "p95 ms", "MiB of the API", title="A fresh submission meanwhile")
        for count in idle:
            async with idlers(system, waited, count):
                took_s = [await submission_s(client) for _ in range(POSTS)]
                p95 = statistics.quantiles(took_s, n=20)[-1]
                found_ms = [f"{1000 * one:.0f}" for one in (statistics.median(took_s), p95)]
                memory = psutil.Process(system.pid("api")).memory_info().rss / 2**20
                table.add_row(f"{count:,}", *found_ms, f"{memory:.0f}")
        console.print(table)
        console.print(await overloaded(client, overload_s))


def serves(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz").is_success
    return False


@asynccontextmanager
async def idlers(system: System, batch: str, count: int) -> AsyncIterator[None]:
    """Clients that wait: three quarters for a prompt, the others for events of its batch."""
    [[view]] = system.store.prompts.of_batch(batch, "local")
    async with AsyncExitStack() as open_ones:
        for number in range(count):
            path = f"/v1/batches/{batch}/events" if number % 4 == 0 else f"/v1/prompts/{view.id}?wait=120"
            _, writer = await asyncio.open_connection("127.0.0.1", system.settings.port)
            open_ones.callback(writer.close)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asyncio.sleep(3)
        yield


async def submission_s(client: httpx.AsyncClient) -> float:
    asked = time.monotonic()
    answer = await client.post("/v1/prompts", json={"prompt": "hello", "expert": "nobody", "class": "bulk"})
    answer.raise_for_status()
    return time.monotonic() - asked


async def overloaded(client: httpx.AsyncClient, seconds: float) -> Table:
    """Send twice of what the expert sustains, then wait until all that was accepted has ended."""
    statuses, accepted, retry_after = Counter[int](), list[str](), list[str]()

    async def submit() -> None:
        answer = await client.post("/v1/prompts", json={"prompt": "hello", "expert": "slow"})
        statuses[answer.status_code] += 1
        if answer.status_code == httpx.codes.ACCEPTED:
            accepted.append(answer.json()["prompts"][0]["id"])
        else:
            retry_after.append(answer.headers.get("Retry-After", ""))

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        while (passed_s := time.monotonic() - began) < seconds:
            if sum(statuses.values()) < 2 * SUSTAINED_PER_S * passed_s:
                group.create_task(submit())
            await asyncio.sleep(1 / SUSTAINED_PER_S / 4)
    ended = time.monotonic()
    states = Counter([(await client.get(f"/v1/prompts/{name}?wait=60")).json()["state"] for name in accepted])
    drained_s, taken = time.monotonic() - ended, len(accepted)
    await submit()
    table = Table("", "", title=f"{seconds:g} s of twice {SUSTAINED_PER_S:g} prompts/s", show_header=False)
    for name, value in {
        "accepted": taken,
        "of these": ", ".join(f"{count} {state}" for state, count in states.items()),
        "refused": f"{statuses[httpx.codes.TOO_MANY_REQUESTS]}, Retry-After {set(retry_after)}",
        "anything else": sum(statuses.values()) - statuses[202] - statuses[429],
        "all answered after": f"{drained_s:.1f} s",
        "then the next is": "accepted" if len(accepted) > taken else "refused",
    }.items():
        table.add_row(name, str(value))
    return table


if __name__ == "__main__":
    main()
