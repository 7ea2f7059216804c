"""The HTTP API as seen by the commands and the demo. Knows no database and no settings."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx

from core.errors import InvalidInputError, NotReadyError, TorouterError

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


class Client:
    """One server. Errors of the API become TorouterError with the server's own words."""

    def __init__(self, url: str, key: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.url = url
        direct = dict.fromkeys(WITHOUT_PROXY)
        self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, mounts=direct)

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
        with self._ours(), self._http.stream("GET", f"/v1/batches/{batch}/results") as response:
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
            raise NotReadyError(
                f"nothing answers at {self._url}: start it with `torouter up`, or name it by --url"
            ) from error
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
            raise NotReadyError(f"{self._url}: {error or type(error).__name__}") from error


def _error(response: httpx.Response) -> TorouterError:
    """What the server said; it is the input that is wrong unless the server says that it is itself."""
    kind = NotReadyError if response.is_server_error else InvalidInputError
    try:
        return kind(f"{response.json()['error']['message']} (HTTP {response.status_code})")
    except (ValueError, KeyError, TypeError):
        return kind(f"HTTP {response.status_code}: {response.text[:300]}; is that a torouter server?")


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines that end at a newline only; httpx's own `iter_lines` also splits at U+2028."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode() for line in lines)
    if rest:
        yield rest.decode()
