"""What a run is to be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """The same seed breaks the same things in the same order, though never at the same instant."""

    seed: int
    prompts: int
    database: str
    over_s: float
    scored: bool = True
    broker: str = "valkey"
    engine: str = "synthetic"
    experts: tuple[str, ...] = ("a", "b", "c")
