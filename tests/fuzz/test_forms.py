"""Forms with a file: whatever boundary, charset, headers and parts say, there is one bounded file or a refusal."""

import asyncio
from collections.abc import Sequence

from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from api.http.file_requests import check_filename, check_purpose, expiry_of_form
from api.http.forms import OVERHEAD_BYTES, read_form
from core.errors import InvalidInputError
from core.schemas.conversation import clean
from tests.fuzz.strangers import TEXT, cut

MOST_BYTES = 1000

FORM = (
    b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="../a.jsonl"\r\n'
    b"Content-Type: text/plain\r\n\r\n{}\n\r\n"
    b"--x--\r\n"
)

CHARSETS = ["utf-8", "utf-7", "utf-16", "idna", "punycode", "undefined", "zip", "rot13", "mbcs", "x"]

TYPES = st.sampled_from(
    ["multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary=", "text/plain", ""]
) | st.sampled_from(CHARSETS).map(lambda charset: f"multipart/form-data; boundary=x; charset={charset}")

CHUNKS = st.lists(st.integers(0, len(FORM) + 40), max_size=4)


@given(TYPES | TEXT.map(lambda text: f"multipart/form-data; boundary={text}"), cut(FORM) | st.binary(), CHUNKS)
def test_a_form_has_one_file_or_is_refused(content_type: str, body: bytes, cuts: list[int]):
    taken_or_refused(content_type, [body[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True)])


@given(TEXT, TEXT, st.sampled_from(CHARSETS))
def test_a_name_in_any_charset_is_a_name_or_is_refused(name: str, purpose: str, charset: str):
    inside = name.replace('"', "").encode(errors="surrogatepass")
    body = FORM.replace(b"../a.jsonl", inside).replace(b"batch", purpose.encode(errors="surrogatepass"))

    taken_or_refused(f"multipart/form-data; boundary=x; charset={charset}", [body])


@given(st.integers(0, 20), st.integers(0, 9000), st.integers(0, 20))
def test_parts_and_their_headers_are_bounded(parts: int, header: int, headers: int):
    extra = b"".join(b"X-%d: %s\r\n" % (number, b"a" * header) for number in range(headers))
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n' + extra + b"\r\n1\r\n"

    taken_or_refused("multipart/form-data; boundary=x", [part * parts + FORM])


@given(st.integers(0, 200))
def test_a_file_is_cut_off_at_its_limit_however_it_comes(chunks: int):
    head, tail = FORM.split(b"{}\n")
    sent = [head, *[b"a" * 1000] * chunks, tail]

    taken_or_refused("multipart/form-data; boundary=x", sent)


def taken_or_refused(content_type: str, chunks: Sequence[bytes]) -> None:
    try:
        asyncio.run(_read(content_type, chunks))
    except InvalidInputError as error:
        assert 400 <= error.status < 500  # noqa: PT017  # of whichever there is


async def _read(content_type: str, chunks: Sequence[bytes]) -> None:
    left = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    left.append({"type": "http.request", "body": b"", "more_body": False})
    headers = [(b"content-type", content_type.encode("latin-1", errors="replace"))]
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, _receiving(left))
    async with read_form(request, "file", MOST_BYTES) as form:
        name = check_filename(form.filename)
        assert clean(name) == name
        assert "/" not in name
        check_purpose(form.fields.get("purpose"))
        expiry_of_form(form.fields)
        assert len(form.file.read()) <= MOST_BYTES + OVERHEAD_BYTES


def _receiving(messages: list[dict[str, object]]):
    async def receive() -> dict[str, object]:
        return messages.pop(0)

    return receive
