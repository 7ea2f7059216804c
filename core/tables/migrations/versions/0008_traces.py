"""The trace that a submission belongs to"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batch", sa.Column("traceparent", sa.String(), nullable=True))
