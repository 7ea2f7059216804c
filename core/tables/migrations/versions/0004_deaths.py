"""Deaths of workers and engines, counted apart from other attempts"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("prompt", "generation", "score", "webhook"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("deaths", sa.Integer(), server_default="0", nullable=False))
