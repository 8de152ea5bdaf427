"""What people decide about dead letters is kept where no rebuild reaches it, and each consumer says how it fares."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE write.letter_decisions (
        projection text NOT NULL,
        topic text NOT NULL,
        part integer NOT NULL,
        record_offset bigint NOT NULL,
        recorded_at timestamptz NOT NULL,
        decision text NOT NULL CHECK (decision IN ('discarded', 'corrected')),
        reason text NOT NULL,
        decided_by text NOT NULL,
        decided_at timestamptz NOT NULL,
        correction_id uuid,
        letter_reason text NOT NULL,
        letter_detail text NOT NULL,
        PRIMARY KEY (projection, topic, part, record_offset, recorded_at)
    )
    """,
    """
    ALTER TABLE delivery.dead_letters
        ADD COLUMN tenant_id text,
        DROP CONSTRAINT dead_letters_disposition_check,
        ADD CONSTRAINT dead_letters_disposition_check
            CHECK (disposition IN ('open', 'retried', 'applied', 'discarded', 'corrected'))
    """,
    "CREATE INDEX dead_letters_by_record ON delivery.dead_letters (topic, part, record_offset)",
    """
    CREATE TABLE delivery.consumers (
        projection text NOT NULL,
        generation integer NOT NULL,
        instance text NOT NULL,
        state text NOT NULL CHECK (state IN ('working', 'waiting', 'halted')),
        error text,
        error_at timestamptz,
        beat_at timestamptz NOT NULL,
        PRIMARY KEY (projection, generation, instance)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE delivery.consumers")
    op.execute("DROP INDEX delivery.dead_letters_by_record")
    op.execute("UPDATE delivery.dead_letters SET disposition = 'discarded' WHERE disposition = 'corrected'")
    op.execute(
        """
        ALTER TABLE delivery.dead_letters
            DROP COLUMN tenant_id,
            DROP CONSTRAINT dead_letters_disposition_check,
            ADD CONSTRAINT dead_letters_disposition_check CHECK (disposition IN ('open', 'retried', 'applied', 'discarded'))
        """
    )
    op.execute("DROP TABLE write.letter_decisions")
