"""What `make check` makes of pip-audit's answer: a vulnerability fails it, a database that is away doesn't."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FINE = {"name": "fine", "version": "1", "vulns": []}
UNKNOWN = {"name": "torch", "skip_reason": "not found"}
BAD = {"name": "bad", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", Path(__file__).parents[2] / "deploy" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answering(*answers: list[dict[str, Any]] | None):
    left = list(answers)
    return lambda *_: left.pop(0)


@pytest.mark.parametrize(
    ("answers", "status", "says"),
    [
        ([[BAD], [FINE, UNKNOWN]], 0, "1 packages have been looked up\naudit: not known there: torch"),
        ([[BAD], [FINE, BAD]], 1, "audit: bad 1 has PYSEC-1: upgrade to 2"),
        ([[UNKNOWN], [BAD], [FINE]], 0, "1 packages"),
        ([[UNKNOWN], None], 0, "skipped"),
    ],
    ids=["nothing known", "vulnerable", "the second database", "none can be reached"],
)
def test_the_status_is_that_of_what_was_found(
    audit: ModuleType,
    answers: list[Any],
    *,
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(audit, "_audit", answering(*answers))

    assert audit.main() == status
    assert says in capsys.readouterr().out


def test_every_accepted_vulnerability_has_a_reason(audit: ModuleType):
    assert all(len(reason) > 20 for reason in audit.ACCEPTED.values())
