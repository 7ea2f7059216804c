"""Flower as we run it: to be looked at and no more, and behind a password where it is given one."""

import os
from pathlib import Path
from typing import Final

from core.settings import Settings
from core.store import Store
from workers import app as celery_app

#: Flower's own variables: its password (never an argument, which everybody on the machine sees), and its file.
PASSWORD: Final = "FLOWER_BASIC_AUTH"  # noqa: S105  # a name
CONFIGURATION: Final = "FLOWER_CONF"


def run(settings: Settings, database: Path | None) -> None:
    """Run it until it is told to end; `database` is where it keeps what it has seen."""
    app = celery_app.create(settings)
    celery_app.declare(app, celery_app.all_queues(Store.of(settings).experts.enabled()))
    if settings.flower_auth is not None:
        os.environ[PASSWORD] = settings.flower_auth.get_secret_value()
    _protect_metrics()
    app.start(arguments(settings, database))


def arguments(settings: Settings, database: Path | None) -> list[str]:
    """Its command line, which outdoes its environment and its file."""
    return [
        "flower",
        f"--address={settings.host}",
        f"--port={settings.flower_port}",
        "--read_only=True",
        "--logging=none",  # Tornado sets no level then, and ours holds
        # Else it runs a flowerconfig.py of whatever folder it was started in.
        f"--conf={os.environ.get(CONFIGURATION, os.devnull)}",
        *(["--persistent=True", f"--db={database}"] if database is not None else []),
    ]


def _protect_metrics() -> None:
    """Flower 2.2 asks everywhere for its password, but for `/metrics` (and `/healthcheck`, which says nothing)."""
    from flower.views.monitor import Metrics  # noqa: PLC0415  # tornado
    from tornado.web import authenticated  # noqa: PLC0415  # as above

    Metrics.get = authenticated(Metrics.get)
