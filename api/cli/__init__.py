"""The command line `torouter`. Commands import what they need when they run, so that `--help` is quick."""

from api.cli.main import main

__all__ = ["main"]
