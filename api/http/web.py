"""The web page at `/`: files as they are, of `api/web`. They hold no data, so anybody may have them."""

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.staticfiles import StaticFiles

from api.http.gate import PAGE

FOLDER: Final = Path(__file__).parents[1] / "web"

#: Nothing but files of our own and calls of our own API; no text becomes markup or script, whoever wrote it.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

#: Asked for again each time, and sent again when they have changed: a new version is seen at once.
CACHED: Final = "no-cache"


class Files(StaticFiles):
    """Says of each file how long it may be kept."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:  # Any: as Starlette's
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = CACHED
        return response


def install(app: FastAPI) -> None:
    """Serve the page and its files."""
    files = Files(directory=FOLDER)
    app.mount(PAGE.rstrip("/"), files)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        response = await files.get_response("index.html", request.scope)
        response.headers["Content-Security-Policy"] = POLICY
        return response
