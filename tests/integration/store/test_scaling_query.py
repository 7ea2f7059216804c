"""The query by which KEDA scales an expert: right, and as quick with many rows as with few."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine

from tests.helm import CHART

DONE, WAITING = 20_000, 1_000

#: Rows of two experts: many that are done, some that wait, a few at work.
ROWS = f"""
INSERT INTO batch (public_id, owner, endpoint, total, created_at) VALUES ('batch_1', 'local', '/v1/prompts', 1, 0);
INSERT INTO prompt (public_id, batch_id, owner, endpoint, messages, sampling, created_at, state)
    SELECT 'prompt_' || n, 1, 'local', '/v1/prompts', '[]', '{{}}', 0, 'done' FROM generate_series(1, {DONE}) AS n;
INSERT INTO generation (prompt_id, batch_id, expert, created_at, state)
    SELECT id, 1, CASE WHEN mod(id, 2) = 0 THEN 'math' ELSE 'code' END, 0,
        CASE WHEN id <= {WAITING} THEN 'pending' WHEN id <= {WAITING} + 10 THEN 'running' ELSE 'done' END
    FROM prompt;
ANALYZE generation;
"""


def query(expert: str, most: int) -> str:
    """As the chart writes it."""
    return (CHART / "files" / "open_generations.sql").read_text() % (expert, most, expert)


@pytest.fixture
def database(migrated_postgresql_database: str) -> Iterator[Engine]:
    engine = create_engine(migrated_postgresql_database)
    with engine.begin() as connection:
        for statement in filter(str.strip, ROWS.split(";")):
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def test_what_waits_and_what_is_at_work_is_counted_for_one_expert(database: Engine):
    with database.connect() as connection:
        math, nobody = (connection.exec_driver_sql(query(name, 10_000)).scalar_one() for name in ("math", "nobody"))

    assert (math, nobody) == (WAITING // 2 + 5, 0)


def test_no_more_is_counted_than_replicas_can_be_had_for(database: Engine):
    with database.connect() as connection:
        found = connection.exec_driver_sql(query("math", 100)).scalar_one()

    assert found == 100 + 5


def test_it_reads_no_row_that_is_done(database: Engine):
    with database.connect() as connection:
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {query('math', 100)}").scalars())

    assert "Seq Scan" not in plan
    assert "ix_generation_expert_work_class_sent_at_id" in plan
