"""What a line of a prompts file becomes."""

import json
from pathlib import Path

import pytest

from api import prompt_files
from api.http.prompt_request import OnePrompt


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_a_blank_reference_is_none(blank: str, tmp_path: Path):
    file = tmp_path / "prompts.jsonl"
    file.write_text(json.dumps({"prompt": "a", "reference": blank}))

    (line,) = prompt_files.read(file)

    assert line.new_prompt().reference is None
    assert OnePrompt(prompt="a", reference=blank).new().reference is None
