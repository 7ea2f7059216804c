"""Triggers that note every change of a row that had ended, and every move that `core.tables.MOVES` does not know.

The database sees each of them, where looking now and then would miss most.
"""

from collections.abc import Iterator

from core.tables import MOVES, TERMINAL, BatchState
from tests.acceptance.chaos.databases import Rows

#: What must stay as it is once a row has ended.
FINAL = {
    "prompt": ("state", "finished_at", "error_code", "generations_open", "fence"),
    "generation": ("state", "finished_at", "error_code", "answer", "output_tokens", "inference_s", "fence"),
    "score": ("state", "finished_at", "error_code", "value", "fence"),
    "batch": (
        *("state", "finished_at", "total", "done", "failed", "cancelled", "expired", "input_tokens", "output_tokens"),
        *("output_file_id", "error_file_id", "stored_lines"),
    ),
}

BATCH_TERMINAL = (BatchState.COMPLETED, BatchState.FAILED, BatchState.EXPIRED, BatchState.CANCELLED)


def watch(rows: Rows) -> None:
    """Install them; the system knows nothing of it."""
    if rows.engine.dialect.name == "postgresql":
        rows.execute(*_for_postgresql())
    else:
        rows.execute(*_for_sqlite())


def broken(rows: Rows) -> list[str]:
    """What was noted."""
    found = rows.of("SELECT what, id, before, after FROM chaos_move ORDER BY id")
    return [f"{row.what} {row.id} went from {row.before} to {row.after}" for row in found]


def _conditions(differs: str) -> Iterator[tuple[str, str]]:
    """For each table, what makes a change one that must not be."""
    for table, columns in FINAL.items():
        ended = BATCH_TERMINAL if table == "batch" else TERMINAL
        changed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in columns)
        condition = f"(OLD.state IN ({_listed(ended)}) AND ({changed}))"
        if table != "batch":
            for state, following in MOVES.items():
                if following:
                    allowed = _listed((state, *following))
                    condition += f" OR (OLD.state = '{state.value}' AND NEW.state NOT IN ({allowed}))"
        yield table, condition


def _listed(states: tuple[str, ...]) -> str:
    return ", ".join(f"'{state!s}'" for state in states)


TABLE = "CREATE TABLE chaos_move (what TEXT, id BIGINT, before TEXT, after TEXT)"


def _for_postgresql() -> Iterator[str]:
    yield TABLE
    yield (
        "CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO chaos_move VALUES (TG_TABLE_NAME, OLD.id, OLD.state, NEW.state); RETURN NEW; END $$"
    )
    for table, condition in _conditions("IS DISTINCT FROM"):
        yield (
            f"CREATE TRIGGER chaos_{table} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition})"
            " EXECUTE FUNCTION chaos_note()"
        )


def _for_sqlite() -> Iterator[str]:
    yield TABLE
    for table, condition in _conditions("IS NOT"):
        yield (
            f"CREATE TRIGGER chaos_{table} BEFORE UPDATE ON {table} WHEN {condition} BEGIN"
            f" INSERT INTO chaos_move VALUES ('{table}', OLD.id, OLD.state, NEW.state); END"
        )
