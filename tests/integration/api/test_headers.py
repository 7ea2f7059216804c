"""What every answer tells browsers."""

import base64
import hashlib
import re

import httpx
import pytest
from fastapi import FastAPI

from api.http.headers import HEADERS


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/models", 200), ("/v1/nothing", 404), ("/v1/broken", 500), ("/healthz", 200)]
)
async def test_every_answer_forbids_guessing_keeping_and_framing(
    app: FastAPI, client: httpx.AsyncClient, path: str, status: int
):
    @app.get("/v1/broken")
    async def broken() -> None:
        raise RuntimeError("on purpose")

    answer = await client.get(path)

    assert answer.status_code == status
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "server" not in answer.headers


async def test_the_documentation_may_run_its_own_script_and_no_other(client: httpx.AsyncClient):
    page = await client.get("/docs")

    policy = page.headers["Content-Security-Policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    [own] = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    assert "SwaggerUIBundle" in own
    assert f"'sha256-{digest}'" in scripts
    assert "unsafe" not in scripts
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert all(
        url.startswith("https://cdn.jsdelivr.net/") for url in re.findall(r'(?:src|href)="(http[^"]*)"', page.text)
    )
