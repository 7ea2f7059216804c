"""`torouter keys`, and the client commands with a key."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import clients
from api.cli.main import app
from core.errors import InvalidInputError
from core.schemas.keys import SECRET, Scope, digest_of
from core.store import Store


@pytest.fixture
def store(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store that the commands use too."""
    monkeypatch.setenv("TOROUTER_HOME", str(tmp_path))
    return sqlite_store


def run(*words: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["keys", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_the_secret_alone_is_printed_and_only_once(store: Store) -> None:
    printed, told = run(
        "create", "app", "--owner", "team", "--scope", "read", "--expires", "90d", "--open-prompts", "9"
    )
    listed, _ = run("list")

    secret = printed.removesuffix("\n")
    found = store.keys.active(digest_of(secret))
    assert found is not None
    assert (found.name, found.owner, found.scopes, found.limits.open_prompts) == ("app", "team", {Scope.READ}, 9)
    assert found.expires_at is not None
    assert found.expires_at - found.created_at == pytest.approx(90 * 86_400, abs=1)
    assert found.id in told
    assert not SECRET.search(told + listed)
    assert json.loads(listed)[0]["scopes"] == ["read"]


def test_a_revoked_key_is_none(store: Store) -> None:
    secret, _ = run("create", "app")

    _, told = run("revoke", "app")

    assert "is revoked" in told
    assert store.keys.active(digest_of(secret.strip())) is None


@pytest.mark.parametrize(
    "words",
    [
        ("create", "app", "--expires", "soon"),
        ("create", "a b"),
        ("revoke", "app"),
        ("create", "x", "--owner", "torouter"),
    ],
)
def test_what_cannot_be_is_said(store: Store, words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError):
        CliRunner().invoke(app, ["keys", *words], catch_exceptions=False)


def test_the_clients_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOROUTER_API_KEY", "tor-1234\n")
    assert clients.connect("http://127.0.0.1:1")._http.headers["Authorization"] == "Bearer tor-1234"

    monkeypatch.setenv("TOROUTER_API_KEY", "")
    assert "Authorization" not in clients.connect("http://127.0.0.1:1")._http.headers

    monkeypatch.setenv("TOROUTER_API_KEY", "tör")
    with pytest.raises(InvalidInputError, match="TOROUTER_API_KEY") as refused:
        clients.connect("http://127.0.0.1:1")
    assert "tör" not in str(refused.value)
