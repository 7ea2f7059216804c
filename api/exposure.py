"""Nothing listens beyond this machine unprotected, unless it was told so in words. Checked before anything starts."""

from core.errors import ConfigError
from core.settings import Settings


def check(settings: Settings) -> None:
    """All that `torouter up` starts; ConfigError names the setting and the cure."""
    check_api(settings)
    if settings.flower_port:
        check_flower(settings)


def check_api(settings: Settings) -> None:
    """ConfigError where anybody in the network could use the API, and nobody has said that this is meant."""
    if settings.auth is None and not settings.on_loopback:
        raise ConfigError(
            f"TOROUTER_HOST={settings.host} is reached from other machines: set TOROUTER_AUTH=keys, and make keys by "
            "`torouter keys create`; or, where everybody there may do everything, TOROUTER_AUTH=open"
        )


def check_flower(settings: Settings) -> None:
    """The same of Flower, which has no keys."""
    if settings.flower_auth is None and not settings.on_loopback:
        raise ConfigError(
            f"TOROUTER_HOST={settings.host} is reached from other machines, and Flower shows all work: set "
            "TOROUTER_FLOWER_AUTH=USER:PASSWORD, or TOROUTER_FLOWER_PORT=0 for no Flower"
        )
