"""What owners' work took by the hour; lists of all that was submitted, and of prompts that were not answered"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "usage_hour",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("hour_at", BIG, autoincrement=False, nullable=False),
        sa.Column("expert", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("input_tokens", BIG, server_default="0", nullable=False),
        sa.Column("output_tokens", BIG, server_default="0", nullable=False),
        sa.Column("cost_usd", sa.Float(), server_default="0", nullable=False),
        sa.Column("scored", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quality_sum", sa.Float(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("owner", "hour_at", "expert", name=op.f("pk_usage_hour")),
    )
    op.add_column("batch_expert", sa.Column("scored", sa.Integer(), server_default="0", nullable=False))
    op.add_column("batch_expert", sa.Column("quality_sum", sa.Float(), server_default="0", nullable=False))
    op.create_index(op.f("ix_batch_owner_work_class_id"), "batch", ["owner", "work_class", "id"])
    unanswered = sa.text("state IN ('failed', 'cancelled', 'expired')")
    op.create_index(
        "ix_prompt_unanswered",
        "prompt",
        ["batch_id", "state", "line"],
        sqlite_where=unanswered,
        postgresql_where=unanswered,
    )
