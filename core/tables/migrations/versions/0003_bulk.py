"""Files, uploads and webhooks; batches that are read from a file; indexes that a million waiting rows don't slow down"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), server_default="local", nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sa.UniqueConstraint("public_id", name=op.f("uq_file_public_id")),
    )
    with op.batch_alter_table("file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_file_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_file_owner_id"), ["owner", "id"], unique=False)

    op.create_table(
        "request_key",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("made", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_request_key")),
    )
    with op.batch_alter_table("request_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_request_key_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_request_key_made"), ["made"], unique=False)

    op.create_table(
        "upload",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), server_default="local", nullable=False),
        sa.Column("state", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_expires_after_s", sa.Integer(), nullable=True),
        sa.Column("file_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'completed', 'cancelled', 'expired')", name=op.f("ck_upload_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sa.UniqueConstraint("public_id", name=op.f("uq_upload_public_id")),
    )
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_upload_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "batch_expert",
        sa.Column(
            "batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("expert", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "input_tokens", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column(
            "output_tokens", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("cost_usd", sa.Float(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_batch_expert_batch_id_batch")),
        sa.PrimaryKeyConstraint("batch_id", "expert", name=op.f("pk_batch_expert")),
    )
    op.create_table(
        "upload_part",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("upload_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_upload_part_upload_id_upload")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_part")),
        sa.UniqueConstraint("public_id", name=op.f("uq_upload_part_public_id")),
    )
    with op.batch_alter_table("upload_part", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_upload_part_upload_id"), ["upload_id"], unique=False)

    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("work_class", sa.String(length=16), server_default="interactive", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_expires_at", sa.Float(), nullable=True),
        sa.Column("sent_at", sa.Float(), nullable=True),
        sa.Column("not_before", sa.Float(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'routed', 'done', 'failed', 'cancelled', 'expired')",
            name=op.f("ck_webhook_state"),
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_webhook_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sa.UniqueConstraint("batch_id", "event", name=op.f("uq_webhook_batch_id_event")),
        sa.UniqueConstraint("public_id", name=op.f("uq_webhook_public_id")),
    )
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_webhook_lease_expires_at"),
            ["lease_expires_at"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.create_index(
            batch_op.f("ix_webhook_sent_at_id"),
            ["sent_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )

    with op.batch_alter_table("batch", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("input_file_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("output_file_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("error_file_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("completion_window", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("output_expires_after_s", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("on_invalid", sa.String(length=16), server_default="fail", nullable=False))
        batch_op.add_column(sa.Column("errors", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("referenced", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("stored_lines", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(
            sa.Column(
                "stored_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
            )
        )
        batch_op.add_column(sa.Column("webhook_url", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("fence", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("lease_owner", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("lease_expires_at", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("in_progress_at", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("finalizing_at", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("cancelling_at", sa.Float(), nullable=True))
        batch_op.create_index(
            "ix_batch_listed",
            ["owner", "id"],
            unique=False,
            sqlite_where=sa.text("input_file_id IS NOT NULL"),
            postgresql_where=sa.text("input_file_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_batch_state"),
            ["state"],
            unique=False,
            sqlite_where=sa.text("state IN ('validating', 'in_progress', 'finalizing', 'cancelling')"),
            postgresql_where=sa.text("state IN ('validating', 'in_progress', 'finalizing', 'cancelling')"),
        )
        batch_op.drop_column("not_before")
        batch_op.drop_column("cancel_requested_at")
        batch_op.drop_column("idempotency_key")
        batch_op.drop_index(batch_op.f("ix_batch_owner"))

    with op.batch_alter_table("generation", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("logprobs", sa.JSON(none_as_null=True), nullable=True))
        batch_op.drop_index(batch_op.f("ix_generation_batch_id"))
        batch_op.drop_index(
            batch_op.f("ix_generation_state_sent_at"), sqlite_where=sa.text("state IN ('pending', 'running')")
        )
        batch_op.create_index(
            batch_op.f("ix_generation_expert_work_class_sent_at_id"),
            ["expert", "work_class", "sent_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.create_index(
            batch_op.f("ix_generation_lease_expires_at"),
            ["lease_expires_at"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.create_index(
            "ix_generation_open",
            ["batch_id", "id"],
            unique=False,
            sqlite_where=sa.text("state IN ('pending', 'running')"),
            postgresql_where=sa.text("state IN ('pending', 'running')"),
        )
        batch_op.drop_column("deadline_at")

    with op.batch_alter_table("prompt", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("completion", sa.JSON(none_as_null=True), nullable=True))
        batch_op.drop_index(batch_op.f("ix_prompt_batch_id_id"))
        batch_op.drop_index(
            batch_op.f("ix_prompt_state_sent_at"), sqlite_where=sa.text("state IN ('pending', 'running')")
        )
        batch_op.create_index(batch_op.f("ix_prompt_batch_id_line"), ["batch_id", "line"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_prompt_lease_expires_at"),
            ["lease_expires_at"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.create_index(
            batch_op.f("ix_prompt_work_class_sent_at_id"),
            ["work_class", "sent_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_column("deadline_at")
        batch_op.drop_column("cancel_requested_at")

    with op.batch_alter_table("score", schema=None, recreate="never") as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_score_state_sent_at"), sqlite_where=sa.text("state IN ('pending', 'running')")
        )
        batch_op.create_index(
            batch_op.f("ix_score_lease_expires_at"),
            ["lease_expires_at"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.create_index(
            batch_op.f("ix_score_sent_at_id"),
            ["sent_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )

    # What came before had no lines, and no time between being stored and being worked on.
    op.execute("UPDATE prompt SET line = id WHERE line IS NULL")
    op.execute("UPDATE batch SET in_progress_at = created_at")
