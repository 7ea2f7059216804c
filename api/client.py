"""The HTTP API as seen by the commands and the demo. Knows no database and no settings."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Self

import httpx

from core.errors import ConflictError, InvalidInputError, NotFoundError, NotReadyError, TorouterError

#: JSON objects of the API; their fields are in its OpenAPI document.
Json = dict[str, Any]

#: Seconds between two looks at a batch.
POLL_S = 0.5

#: Seconds that one answer may take.
TIMEOUT_S = 300.0

#: Where this machine is reached whatever proxy the environment names: that one knows nothing of it.
WITHOUT_PROXY = ("all://127.0.0.1", "all://localhost", "all://[::1]")

#: Statuses in which a batch has ended.
ENDED = ("completed", "failed", "expired", "cancelled")

#: Answers after which the same request may do: too much at once, and a server, or a proxy before it, that restarts.
BUSY = (429, 502, 503, 504)

#: Seconds that joining the parts of an upload may take.
JOIN_S = 3600.0


class BusyError(NotReadyError):
    """The same request again may do; `retry_after_s` is when, where the server says it."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Client:
    """One server, and a key where it wants one. Errors of the API become TorouterError in the server's own words."""

    def __init__(self, url: str, key: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.url = url
        direct = dict.fromkeys(WITHOUT_PROXY)
        self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, mounts=direct)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close its connections."""
        self._http.close()

    def submit(self, prompts: Iterable[Json], **options: Any) -> Json:  # Any: JSON
        """Store prompts as one batch; `options` are fields of the submission, left out where None."""
        body = {"prompts": list(prompts), **{name: value for name, value in options.items() if value is not None}}
        return self._json("POST", "/v1/prompts", json=body)

    def batch(self, batch: str) -> Json:
        """The batch object."""
        return self._json("GET", f"/v1/batches/{batch}")

    def wait(self, batch: str, progress: Callable[[Json], None]) -> Json:
        """The batch object once it has ended; `progress` gets each look."""
        while True:
            seen = self.batch(batch)
            progress(seen)
            if seen["status"] in ENDED:
                return seen
            time.sleep(POLL_S)

    def results(self, batch: str) -> Iterator[str]:
        """The batch's results, a line of JSON each, as they stream in."""
        return self._streamed(f"/v1/batches/{batch}/results")

    def content(self, file: str) -> Generator[str, None, None]:
        """A file's lines, likewise."""
        return self._streamed(f"/v1/files/{file}/content")

    def models(self) -> list[str]:
        """Who can be asked: the router, and every expert that is enabled."""
        return [model["id"] for model in self._json("GET", "/v1/models")["data"]]

    def batches(self, limit: int) -> list[Json]:
        """The newest batches that came as files."""
        found: list[Json] = self._json("GET", "/v1/batches", params={"limit": limit})["data"]
        return found

    def cancel(self, batch: str) -> Json:
        """The batch object; what is cancelled already stays so, and ConflictError where it has ended otherwise."""
        return self._json("POST", f"/v1/batches/{batch}/cancel")

    def create_batch(self, body: Json, once: str) -> Json:
        """The batch object. With the same `once`, here and below, the same request makes nothing new."""
        return self._json("POST", "/v1/batches", json=body, headers=_key(once))

    def create_upload(self, body: Json, once: str) -> str:
        """Id of an upload that takes parts."""
        return str(self._json("POST", "/v1/uploads", json=body, headers=_key(once))["id"])

    def add_part(self, upload: str, data: bytes, once: str) -> str:
        """Id of the part."""
        form = {"data": ("part", data, "application/octet-stream")}
        return str(self._json("POST", f"/v1/uploads/{upload}/parts", files=form, headers=_key(once))["id"])

    def complete_upload(self, upload: str, parts: Iterable[str], md5: str, once: str) -> str:
        """Id of the file that it becomes."""
        body = {"part_ids": list(parts), "md5": md5}
        request = {"json": body, "headers": _key(once), "timeout": JOIN_S}
        return str(self._json("POST", f"/v1/uploads/{upload}/complete", **request)["file"]["id"])

    def _streamed(self, path: str) -> Generator[str, None, None]:
        with self._ours(), self._http.stream("GET", path) as response:
            if response.is_error:
                response.read()
                raise _error(response)
            yield from _lines(response.iter_bytes())

    def _json(self, method: str, path: str, **request: Any) -> Json:  # Any: httpx's
        with self._ours():
            response = self._http.request(method, path, **request)
        if response.is_error:
            raise _error(response)
        found: Json = response.json()
        return found

    def _ours(self) -> "_Border":
        return _Border(self.url)


class _Border:
    """httpx's errors become ours."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, httpx.ConnectError):
            raise BusyError(
                f"nothing answers at {self._url}: start it with `torouter up`, or name it by --url"
            ) from error
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
            kind = BusyError if isinstance(error, httpx.TransportError) else NotReadyError
            raise kind(f"{self._url}: {error or type(error).__name__}") from error


def _error(response: httpx.Response) -> TorouterError:
    """What the server said; it is the input that is wrong unless the server says that it is itself."""
    try:
        said = response.json()["error"]
        message, code, param = f"{said['message']} (HTTP {response.status_code})", said.get("code"), said.get("param")
    except (ValueError, KeyError, TypeError, AttributeError):
        message, code, param = (
            f"HTTP {response.status_code}: {response.text[:300]}; is that a torouter server?",
            None,
            None,
        )
    if response.status_code in BUSY and response.headers.get("x-should-retry") != "false":
        after = response.headers.get("Retry-After", "")
        return BusyError(message, float(after) if after.isdigit() else None)
    if response.is_server_error:
        return NotReadyError(message)
    kinds: dict[str | None, type[InvalidInputError]] = {"not_found": NotFoundError, "conflict": ConflictError}
    return kinds.get(code, InvalidInputError)(message, param=param, code=code)


def _key(once: str) -> dict[str, str]:
    return {"Idempotency-Key": once}


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines that end at a newline only; httpx's own `iter_lines` also splits at U+2028."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode() for line in lines)
    if rest:
        yield rest.decode()
