"""What no client of ours would send, by every way in, on both databases: a clear 4xx, or stored and read back."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from api.app import create_app
from api.http.batch_lines import Lines
from core.settings import Settings
from core.store import Store
from tests import factories
from tests.integration.api.played import PlayedWorkers
from tests.system import until
from workers import batching
from workers.leasing import Leases
from workers.lines import Using

JSON = {"Content-Type": "application/json"}

#: JSON texts of values that no field expects.
ODD = {
    "NUL": '"a\\u0000b"',
    "lone surrogate": '"\\ud800"',
    "reversed surrogates": '"\\udc00\\ud800"',
    "empty": '""',
    "blank": '" \\n"',
    "control characters": json.dumps("".join(map(chr, range(1, 32))) + "\x7f\x85\u2028\ufffe\uffff"),
    "emoji": '"\\ud83d\\ude00"',
    "huge integer": "9" * 4000,
    "more digits than Python reads": "9" * 5000,
    "over 64 bits": str(2**63),
    "huge float": "1e400",
    "tiny float": "-1e-400",
    "fraction": "0.1234567890123456789",
    "true": "true",
    "null": "null",
    "list": "[]",
    "object": "{}",
    "deep list": "[" * 400 + "]" * 400,
    "deeper list": "[" * 20_000 + "]" * 20_000,
    "deep object": '{"a":' * 400 + "1" + "}" * 400,
    "long text": json.dumps("word " * 20_000),
    "long word": json.dumps("w" * 100_000),
    "many": "[" + ",".join(['"x"'] * 20_000) + "]",
    "doubled keys": '{"a": 1, "a": 2}',
}

#: Bodies with a place for such a value.
BODIES = {
    "/v1/prompts": [
        '{"prompt": ODD}',
        '{"messages": ODD}',
        '{"messages": [{"role": "user", "content": ODD}]}',
        '{"messages": [{"role": ODD, "content": "a"}]}',
        '{"prompt": "a", "metadata": ODD}',
        '{"prompt": "a", "metadata": {"k": ODD}}',
        '{"prompt": "a", "custom_id": ODD}',
        '{"prompt": "a", "reference": ODD}',
        '{"prompt": "a", "dataset": ODD}',
        '{"prompt": "a", "stop": ODD}',
        '{"prompt": "a", "seed": ODD}',
        '{"prompt": "a", "max_tokens": ODD}',
        '{"prompt": "a", "temperature": ODD}',
        '{"prompt": "a", "expert": ODD}',
        '{"prompt": "a", "experts": ODD}',
        '{"prompt": "a", "policy": ODD}',
        '{"prompt": "a", "class": ODD}',
        '{"prompts": ODD}',
        "ODD",
    ],
    "/v1/chat/completions": [
        '{"model": ODD, "messages": [{"role": "user", "content": "a"}]}',
        '{"model": "auto", "messages": [{"role": "user", "content": [{"type": "text", "text": ODD}]}]}',
        '{"model": "auto", "messages": [{"role": "user", "content": "a"}], "max_tokens": ODD}',
        '{"model": "auto", "messages": [{"role": "user", "content": "a"}], "metadata": {"k": ODD}}',
        '{"model": "auto", "messages": [{"role": "user", "content": "a"}], "user": ODD}',
    ],
    "/v1/completions": [
        '{"model": "math", "prompt": ODD}',
        '{"model": "math", "prompt": ["a", ODD]}',
        '{"model": "math", "prompt": "a", "logprobs": ODD}',
        '{"model": "math", "prompt": "a", "suffix": ODD}',
    ],
    "/predict": ['{"messages": [{"role": "user", "content": ODD}]}', '{"prompt": ODD}'],
    "/v1/batches": [
        '{"input_file_id": ODD, "endpoint": "/v1/chat/completions", "completion_window": "24h"}',
        '{"input_file_id": "FILE", "endpoint": ODD, "completion_window": "24h"}',
        '{"input_file_id": "FILE", "endpoint": "/v1/chat/completions", "completion_window": ODD}',
        '{"input_file_id": "FILE", "endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": ODD}',
    ],
    "/v1/uploads": [
        '{"filename": ODD, "purpose": "batch", "bytes": 5}',
        '{"filename": "a", "purpose": "batch", "bytes": ODD}',
    ],
}

LINE = '{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": BODY}'

#: Lines of a batch's file.
LINES = [
    LINE.replace("BODY", '{"model": "math", "messages": [{"role": "user", "content": ODD}]}'),
    LINE.replace("BODY", '{"model": ODD, "messages": [{"role": "user", "content": "a"}]}'),
    LINE.replace("BODY", '{"model": "math", "messages": [{"role": "user", "content": "a"}], "max_tokens": ODD}'),
    LINE.replace("BODY", '{"model": "math", "messages": [{"role": "user", "content": "a"}], "seed": ODD}'),
    LINE.replace("BODY", '{"model": "math", "messages": [{"role": "user", "content": "a"}], "temperature": ODD}'),
    LINE.replace("BODY", '{"model": "math", "messages": [{"role": "user", "content": "a"}], "stop": ODD}'),
    LINE.replace("BODY", '{"model": "math", "messages": [{"role": "user", "content": "a"}], "metadata": ODD}'),
    LINE.replace("BODY", "ODD"),
    LINE.replace('"a"', "ODD").replace("BODY", '{"model": "math", "messages": [{"role": "user", "content": "b"}]}'),
    LINE.replace('"POST"', "ODD").replace("BODY", "{}"),
    LINE.replace("BODY", '{"model": "math", "messages": [{"role": "user", "content": "a"}]}, "reference": ODD'),
    "ODD",
]

#: Raw requests whose oddity is not in a JSON value.
RAW: list[tuple[str, str, dict[str, Any]]] = [
    *(
        ("GET", path, {})
        for name in ("%00", "%ff", "a%00b", "%ed%a0%80", "x" * 3000, "..%2f..%2fetc", "prompt_" + "f" * 3000)
        for path in (
            f"/v1/prompts/{name}",
            f"/v1/batches/{name}",
            f"/v1/batches/{name}/events",
            f"/v1/files/{name}",
            f"/v1/files/{name}/content",
            f"/v1/uploads/{name}",
            f"/v1/models/{name}",
            f"/v1/batches?after={name}",
            f"/v1/files?after={name}",
            f"/v1/files?purpose={name}",
            f"/v1/batches?limit={name}",
            f"/v1/prompts/prompt_1?wait={name}",
        )
    ),
    *(("GET", f"/v1/batches?limit={n}", {}) for n in ("9" * 400, "-1", "1e3", "nan", "0")),
    *(("GET", f"/v1/prompts/prompt_1?wait={n}", {}) for n in ("9" * 400, "-1", "inf", "nan", "1e999")),
    *(
        ("POST", path, {"content": b'{"prompt": "a"}', "headers": {"Idempotency-Key": key}})
        for path in ("/v1/prompts", "/v1/batches", "/v1/uploads")
        for key in ("", "x" * 256, "\u00e9".encode("latin-1"), b"\xff\xfe", b"a\x00b", "x" * 30_000)
    ),
    *(
        ("POST", "/v1/files", {"files": {"file": (name, b"{}")}, "data": {"purpose": "batch"}})
        for name in ("../../etc/passwd", "a\x00b", "", "x" * 3000, "\u202egnp.exe", "a\nb", "C:\\x", "..")
    ),
    *(
        ("POST", "/v1/files", {"files": {"file": ("a", b"{}")}, "data": data})
        for data in ({"purpose": "\x00"}, {"purpose": "batch", "expires_after[seconds]": "9" * 400}, {"x" * 500: "y"})
    ),
    ("POST", "/v1/files", {"content": b"--x\r\n" * 50, "headers": {"Content-Type": "multipart/form-data; boundary=x"}}),
    ("POST", "/v1/files", {"content": b"", "headers": {"Content-Type": "multipart/form-data"}}),
    ("POST", "/v1/files", {"content": b"", "headers": {"Content-Type": b"multipart/form-data; boundary=\xff"}}),
]


class Way(NamedTuple):
    """The API, and what reads its batches."""

    client: httpx.AsyncClient
    using: Using


@pytest.fixture
def prepared(store: Store, tmp_path: Path) -> Iterator[PlayedWorkers]:
    store.experts.sync([factories.expert("general"), factories.expert("math")])
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "manifest.json").write_text("{}")
    checkpoint = store.checkpoints.add(tmp_path / "trained", {"kind": "knn", "experts": ["general", "math"]})
    store.checkpoints.promote(checkpoint.public_id)
    workers = PlayedWorkers(store)
    yield workers
    workers.stop()


@pytest.fixture
async def way(store: Store, prepared: PlayedWorkers, settings: Settings) -> AsyncIterator[Way]:
    settings = settings.model_copy(update={"max_file_bytes": 10_000_000, "on_invalid": "skip", "max_lines": 1000})
    app = create_app(settings, store, prepared)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://torouter", timeout=30) as client:
        leases = Leases(store.batch_jobs, settings.lease_s)
        yield Way(client, Using(store, prepared, leases, Lines(store), settings, lambda _job: None))
    await app.state.parts.waiting.close()


def wrong(response: httpx.Response) -> str | None:
    """What is wrong with an answer, if anything."""
    if response.status_code >= 500:
        return f"{response.status_code} {response.text[:200]}"
    if response.is_error:
        try:
            error = response.json()["error"]
        except (ValueError, KeyError, TypeError):
            return f"{response.status_code} in another shape: {response.text[:100]!r}"
        return None if error["message"] and error["code"] else f"says too little: {error}"
    return None


async def test_whatever_is_sent_as_json_is_stored_or_refused(way: Way):
    uploaded = await way.client.post("/v1/files", files={"file": ("a.jsonl", b"{}")}, data={"purpose": "batch"})
    found = {}
    for path, bodies in BODIES.items():
        for body in bodies:
            for name, odd in ODD.items():
                sent = body.replace("FILE", uploaded.json().get("id", "")).replace("ODD", odd)
                response = await way.client.post(path, content=sent.encode(), headers=JSON)
                found[path, body, name] = wrong(response)

    assert {case: told for case, told in found.items() if told} == {}


async def test_whatever_is_in_a_path_a_query_a_header_or_a_form_is_refused(way: Way):
    found = {}
    for method, path, sent in RAW:
        headers = ({} if "files" in sent else JSON) | sent.get("headers", {})
        response = await way.client.request(method, path, **{**sent, "headers": headers})
        found[method, path, str(sent)] = wrong(response)

    assert {case: told for case, told in found.items() if told} == {}


async def test_whatever_a_line_holds_is_answered_or_reported(way: Way):
    odd_lines = (line.replace("ODD", odd) for line in LINES for odd in ODD.values())
    lines = [line.replace('"custom_id": "a"', f'"custom_id": "line {n}"') for n, line in enumerate(odd_lines)]
    content = b"\n".join([*(line.encode() for line in lines), b"\xff\xfe{}", b'{"custom_id": "\x00"}', b"\x00" * 1000])
    form = {"files": {"file": ("a.jsonl", content)}, "data": {"purpose": "batch"}}
    uploaded = await way.client.request("POST", "/v1/files", **form)
    asked = {"input_file_id": uploaded.json()["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = (await way.client.post("/v1/batches", json=asked)).json()["id"]
    thread = threading.Thread(target=batching.run, args=(way.using,))
    thread.start()
    try:
        until(lambda: way.using.store.batches.get(batch, factories.OWNER).ended, "the batch ends", 60)
    finally:
        way.using.stopping.set()
        thread.join()

    said = (await way.client.get(f"/v1/batches/{batch}")).json()
    files = [
        (await way.client.get(f"/v1/files/{said[name]}/content")).content
        for name in ("output_file_id", "error_file_id")
    ]
    answered, reported = ([json.loads(line) for line in one.splitlines()] for one in files)
    assert len(answered) + len(reported) == len(lines) + 3
    assert len(answered) > 20
    assert all(one["response"]["body"]["choices"] for one in answered)
    assert all((one["error"] or one["response"]["body"]["error"])["message"] for one in reported)
