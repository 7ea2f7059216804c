"""How often experts' engines died; usage by the hour, whoever's it is"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("expert", sa.Column("deaths", sa.Integer(), server_default="0", nullable=False))
    op.create_index(op.f("ix_usage_hour_hour_at"), "usage_hour", ["hour_at"])
