"""Requests and lines of batches: whatever comes is refused by name, or becomes what a database can hold."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.batch_lines import LineReader
from api.http.batch_request import BatchRequest, window_s
from api.http.bodies import parse, read_object
from api.http.chat_request import ChatRequest
from api.http.completion_request import CompletionRequest
from api.http.errors import problem_of
from api.http.file_requests import CompleteRequest, UploadRequest, check_filename, expiry_of_form
from api.http.ids import plausible
from api.http.submitting import chat_submission, completion_submission, read_submission, submission_of
from core.errors import InvalidInputError
from core.schemas.conversation import clean
from core.schemas.files import NewLine
from core.schemas.work import Submission
from router.policy import Policy
from router.policy import parse as parse_policy
from tests.factories import batch_job, expert
from tests.fuzz.strangers import JSON, TEXT, lines

KNOWN = {"general": expert("general"), "math": expert("math")}

SAMPLING = {"temperature": 0.5, "top_p": 1, "max_tokens": 9, "seed": 3, "stop": ["\n"], "presence_penalty": 0}
CHAT = {
    "model": "auto:cost:20",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is 2 + 2?"}]},
    ],
    "metadata": {"run": "7"},
    "stream": False,
    **SAMPLING,
}
PLAIN_CHAT = {"model": "general", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0, "max_tokens": 9}
COMPLETION = {"model": "general", "prompt": ["Once", "upon"], "echo": True, "logprobs": 2, **SAMPLING}
ONE = {"prompt": "Hi", "reference": "Ho", "dataset": "d", "custom_id": "1", "class": "bulk", "policy": "best"}
MANY = {"prompts": [{"prompt": "Hi"}, {"messages": CHAT["messages"], "expert": "math"}], "experts": None}
BATCH = {
    "input_file_id": "file_1",
    "endpoint": "/v1/chat/completions",
    "completion_window": "24h",
    "metadata": {"on_invalid": "skip"},
    "output_expires_after": {"anchor": "created_at", "seconds": 3600},
    "experts": "all",
    "policy": "strong:0.5",
    "webhook_url": "https://example.com/",
}
UPLOAD = {"filename": "a.jsonl", "purpose": "batch", "bytes": 10, "expires_after": {"seconds": 3600}}


def line(body: dict[str, Any], url: str = "/v1/chat/completions") -> dict[str, Any]:
    return {"custom_id": "1", "method": "POST", "url": url, "body": body, "reference": "4", "dataset": "sums"}


@given(lines(CHAT))
def test_a_chat_is_taken_or_refused(body: bytes):
    with refused_politely():
        assert_storable(chat_submission(parse(ChatRequest, body), KNOWN, "local", "/predict"))


@given(lines(COMPLETION))
def test_a_completion_is_taken_or_refused(body: bytes):
    with refused_politely():
        assert_storable(completion_submission(parse(CompletionRequest, body), KNOWN, "local", "/v1/completions"))


@given(lines(ONE) | lines(MANY))
def test_a_submission_is_taken_or_refused(body: bytes):
    with refused_politely():
        assert_storable(submission_of(read_submission(body, 5), KNOWN, "local"))


@pytest.mark.parametrize(
    ("model", "right"),
    [(BatchRequest, BATCH), (UploadRequest, UPLOAD), (CompleteRequest, {"part_ids": ["part_1"], "md5": "00"})],
)
def test_a_request_about_files_is_taken_or_refused(model: Any, right: Any):
    @given(lines(right))
    def take_or_refuse(body: bytes) -> None:
        with refused_politely():
            parse(model, body)

    take_or_refuse()


@given(lines(line(CHAT)) | lines(line(PLAIN_CHAT)))
def test_a_line_is_taken_or_refused(raw: bytes):
    reader = LineReader(batch_job("batch_1"), KNOWN, routes=True)
    with refused_politely():
        assert_line_storable(reader.read(1, raw))
    name = reader.custom_id(raw)
    assert name is None or clean(name) == name


@given(lines(line(COMPLETION | {"prompt": "Once"}, "/v1/completions")))
def test_a_line_of_a_completion_is_taken_or_refused(raw: bytes):
    reader = LineReader(batch_job("batch_1", endpoint="/v1/completions"), KNOWN, routes=True)
    with refused_politely():
        assert_line_storable(reader.read(1, raw))


@given(lines(line(PLAIN_CHAT)))
def test_the_fast_way_of_a_plain_line_takes_nothing_that_the_thorough_one_refuses_or_reads_otherwise(raw: bytes):
    reader = LineReader(batch_job("batch_1"), KNOWN, routes=True)
    try:
        fast = reader.read(1, raw)
    except InvalidInputError:
        with pytest.raises(InvalidInputError):
            reader._unusual(1, raw)
    else:
        assert as_values(fast) == as_values(reader._unusual(1, raw))


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_body_is_a_json_object_or_refused(body: bytes):
    with refused_politely():
        assert isinstance(read_object(body), dict)


@given(TEXT)
def test_a_window_is_some_seconds_or_refused(text: str):
    with suppress(ValueError):
        assert 0 < window_s(text) <= 30 * 86_400


@given(
    TEXT
    | st.tuples(st.sampled_from(["best", "cost", "time", "strong", "edge", "guard"]), TEXT | st.floats()).map(
        lambda pair: f"{pair[0]}:{pair[1]}"
    )
)
def test_a_policy_that_is_taken_reads_the_same_again(text: str):
    with refused_politely():
        assert_same_policy(parse_policy(text))


@given(TEXT)
def test_a_file_name_never_is_a_path(text: str):
    with refused_politely():
        name = check_filename(text)
        assert "/" not in name
        assert "\\" not in name
        assert clean(name) == name


@given(st.dictionaries(st.sampled_from(["expires_after[anchor]", "expires_after[seconds]", "purpose"]), TEXT))
def test_an_expiry_in_a_form_is_taken_or_refused(fields: dict[str, str]):
    with refused_politely():
        assert expiry_of_form(fields) is None or 3600 <= (expiry_of_form(fields) or 0) <= 2_592_000


@given(TEXT)
def test_an_id_is_plain_or_refused(text: str):
    with refused_politely():
        assert plausible(text).isascii()


class refused_politely:  # noqa: N801  # reads as what is claimed
    """Only an error of ours may end the body, and it can be said in an answer."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, InvalidInputError):
            return False
        problem = problem_of(error, "POST /")
        assert 400 <= problem.status < 500
        assert problem.message
        return True


def assert_same_policy(policy: Policy) -> None:
    again = parse_policy(str(policy))
    assert again.name == policy.name
    assert again.knob == pytest.approx(policy.knob, rel=1e-5)  # as it is written down


def assert_storable(submission: Submission) -> None:
    for prompt in submission.prompts:
        texts = [one.content for one in prompt.messages]
        texts += [prompt.reference or "", prompt.dataset or "", prompt.custom_id or "", *(prompt.sampling.stop or ())]
        texts += [text for pair in {**(prompt.details or {}), **(submission.details or {})}.items() for text in pair]
        assert all(clean(text) == text for text in texts)
        assert prompt.expert is None or prompt.expert in KNOWN
        json.dumps(prompt.sampling.model_dump(), allow_nan=False).encode()


def assert_line_storable(line: NewLine) -> None:
    for value in line:
        assert not isinstance(value, str) or clean(value) == value
    for text in (line.messages, line.sampling, line.completion or "{}", line.details or "{}"):
        assert "\\u0000" not in text
        json.loads(text, parse_constant=pytest.fail)


def as_values(line: NewLine) -> list[Any]:
    parsed = {"messages", "sampling", "completion", "details"}
    return [json.loads(value) if name in parsed and value else value for name, value in line._asdict().items()]
