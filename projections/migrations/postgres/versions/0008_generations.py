"""Generations have a life: built beside the one that serves, held at one position with it, retired, dropped."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE delivery.generations
        ADD COLUMN state text NOT NULL DEFAULT 'running' CHECK (state IN ('building', 'running', 'dropping', 'dropped')),
        ADD COLUMN is_scratch boolean NOT NULL DEFAULT false,
        ADD COLUMN store_id text,
        ADD COLUMN retired_at timestamptz
    """,
    """
    CREATE TABLE delivery.holds (
        projection text PRIMARY KEY,
        id bigint GENERATED ALWAYS AS IDENTITY,
        ends jsonb NOT NULL,
        expires_at timestamptz NOT NULL
    )
    """,
    "ALTER TABLE delivery.positions ADD COLUMN held_by bigint",
    """
    CREATE TABLE delivery.archive_checks (
        log_id text NOT NULL,
        topic text NOT NULL,
        part integer NOT NULL,
        next_offset bigint NOT NULL,
        hash_sum numeric NOT NULL,
        checked_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (log_id, topic, part)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE delivery.archive_checks")
    op.execute("ALTER TABLE delivery.positions DROP COLUMN held_by")
    op.execute("DROP TABLE delivery.holds")
    op.execute(
        """
        ALTER TABLE delivery.generations
            DROP COLUMN state, DROP COLUMN is_scratch, DROP COLUMN store_id, DROP COLUMN retired_at
        """
    )
