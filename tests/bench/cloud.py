"""`python -m tests.bench.cloud WEIGHTS`: a cloud on this machine, for edge-to-cloud measurements.

vLLM's own OpenAI-compatible server with a larger model, behind a TCP proxy that holds every piece of data back in both
directions, as a network of that delay would. Both listen on loopback; Ctrl-C ends them. experts/edge_cloud.toml is the
catalogue that goes with it; `python -m tests.bench.edge_to_cloud` starts both.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from experts.device import prepare_environment

HOST = "127.0.0.1"

#: What the server calls the model, as the catalogue does.
MODEL = "large"

#: As our own engines on a CPU (experts/device.py): a worker process of its own would wait for work by spinning.
IN_ONE_PROCESS = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "TORCH_COMPILE_DISABLE": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cloud", description=__doc__)
    parser.add_argument("weights", help="a folder of safetensors, or a Hugging Face id")
    parser.add_argument("--port", type=int, default=8201, help="of the proxy (default: 8201); the server has the next")
    parser.add_argument("--delay-ms", type=float, default=50, help="each way (default: 50, so a round trip takes 100)")
    parser.add_argument("--context-tokens", type=int, default=2048)
    given = parser.parse_args()
    prepare_environment(offline=Path(given.weights).is_dir())
    os.environ |= IN_ONE_PROCESS
    sys.exit(asyncio.run(serve(given)))


async def serve(given: argparse.Namespace) -> int:
    """The server's exit code, once it has ended; SIGINT and SIGTERM end it."""
    async with await asyncio.start_server(Delay(given.port + 1, given.delay_ms / 1000), HOST, given.port):
        server = await asyncio.create_subprocess_exec(*command(given), start_new_session=True)
        for one in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(one, server.terminate)
        return await server.wait()


def command(given: argparse.Namespace) -> list[str]:
    settings = {
        "host": HOST,
        "port": given.port + 1,
        "model": given.weights,
        "served-model-name": MODEL,
        "dtype": "bfloat16",
        "max-model-len": given.context_tokens,
        "max-num-seqs": 64,
        "max-num-batched-tokens": 2048,
        "kv-cache-memory-bytes": 2**30,
        "distributed-executor-backend": "uni",
    }
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words, "--enforce-eager"]


class Delay:
    """Passes what either side sends on to the other, in order, each piece so many seconds after it came."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection(HOST, self._port)
        except OSError:  # not up yet
            writer.close()
            return
        await asyncio.gather(self._pass(reader, server_writer), self._pass(server_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        await asyncio.gather(self._read(reader, under_way), self._write(under_way, writer))

    async def _read(self, reader: asyncio.StreamReader, under_way: "asyncio.Queue[tuple[float, bytes]]") -> None:
        data = b"-"
        while data:
            try:
                data = await reader.read(2**16)
            except OSError:
                data = b""
            under_way.put_nowait((asyncio.get_running_loop().time() + self._seconds, data))

    async def _write(self, under_way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        """Until the other side has nothing more to send, which is an empty piece."""
        with contextlib.suppress(OSError):
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(due - asyncio.get_running_loop().time())
                if not data:
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


if __name__ == "__main__":
    main()
