"""What the commands refuse before they ask anybody."""

from pathlib import Path

import pytest

from api.cli import clients
from core.errors import InvalidInputError

NOBODY = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("variable", "limit", "says"),
    [
        ("TOROUTER_MAX_PROMPTS", "2", "3 lines are 3 prompts, and one request takes 2: split the file"),
        ("TOROUTER_MAX_BODY_BYTES", "1024", r"3 lines are 1,\d\d\d bytes, and one request takes 1,024: split the file"),
    ],
)
def test_a_file_that_no_request_can_take_is_refused_with_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, limit: str, says: str
) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(f'{{"prompt": "{"a" * 400}"}}\n' * 3)
    monkeypatch.setenv(variable, limit)

    with pytest.raises(InvalidInputError, match=rf"{says} .*{variable}"):
        clients.submit(file, url=NOBODY)
