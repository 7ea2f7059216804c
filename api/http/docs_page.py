"""The page at `/docs`: the OpenAPI document in Swagger UI, which may do nothing but show it and call this API."""

import base64
import hashlib
import re
from typing import Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

#: Where Swagger UI's script and style come from.
CDN: Final = "https://cdn.jsdelivr.net"

#: A script within the page itself.
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def install(app: FastAPI) -> None:
    """Serve it."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json", title=app.title, swagger_favicon_url="data:,", oauth2_redirect_url=None
    )
    html = bytes(page.body).decode()
    headers = {"Content-Security-Policy": _policy(html)}

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(html, headers=headers)


def _policy(html: str) -> str:
    digests = (hashlib.sha256(script.encode()).digest() for script in INLINE.findall(html))
    ours = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {ours} {CDN}; style-src 'unsafe-inline' {CDN}; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
