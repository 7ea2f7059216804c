"""Settings that can't be are refused by name, before any process starts on them."""

import pytest

from core.errors import ConfigError
from core.settings import read


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"LOG_LEVEL": "verbose"}, "TOROUTER_LOG_LEVEL='VERBOSE': .*'DEBUG', 'INFO'"),
        ({"ROUTE_THREADS": "4"}, "TOROUTER_ROUTE_BULK_THREADS=4: .* less than TOROUTER_ROUTE_THREADS=4"),
        ({"ROUTE_BULK_THREADS": "16"}, "TOROUTER_ROUTE_BULK_THREADS='16': .* less than TOROUTER_ROUTE_THREADS=16"),
        ({"ROUTE_THREADS": "many"}, "TOROUTER_ROUTE_THREADS='many'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], told: str
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(f"TOROUTER_{name}", value)

    with pytest.raises(ConfigError, match=told):
        read()


def test_the_log_level_may_be_in_small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOROUTER_LOG_LEVEL", "debug")

    assert read().log_level == "DEBUG"
