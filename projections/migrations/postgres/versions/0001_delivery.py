"""What survives every rebuild (write) and what remembers how far each projection is (delivery)."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE SCHEMA write",
    """
    CREATE TABLE write.quarantine (
        id uuid PRIMARY KEY,
        source text NOT NULL,
        line_number bigint,
        code text NOT NULL,
        pointer text NOT NULL,
        expected text NOT NULL,
        raw bytea NOT NULL,
        noted_at timestamptz NOT NULL,
        status text NOT NULL DEFAULT 'open'
    )
    """,
    "CREATE INDEX quarantine_by_source ON write.quarantine (source, line_number)",
    """
    CREATE TABLE delivery.log (
        log_id text PRIMARY KEY,
        first_seen timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE delivery.generations (
        projection text NOT NULL,
        generation integer NOT NULL,
        mapping_version integer NOT NULL,
        log_id text NOT NULL REFERENCES delivery.log (log_id),
        serving boolean NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (projection, generation)
    )
    """,
    "CREATE UNIQUE INDEX generations_one_serving ON delivery.generations (projection) WHERE serving",
    """
    CREATE TABLE delivery.positions (
        projection text NOT NULL,
        generation integer NOT NULL,
        topic text NOT NULL,
        part integer NOT NULL,
        epoch bigint NOT NULL,
        next_offset bigint NOT NULL,
        recorded_at timestamptz,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (projection, generation, topic, part)
    )
    """,
    "CREATE SEQUENCE delivery.ledger_id",
    """
    CREATE TABLE delivery.ledger (
        id bigint NOT NULL DEFAULT nextval('delivery.ledger_id'),
        projection text NOT NULL,
        generation integer NOT NULL,
        topic text NOT NULL,
        part integer NOT NULL,
        first bigint NOT NULL,
        next bigint NOT NULL,
        applied bigint NOT NULL,
        repeats bigint NOT NULL,
        filtered bigint NOT NULL,
        control bigint NOT NULL,
        dead bigint NOT NULL,
        written_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (id, topic, part)
    )
    """,
    "CREATE INDEX ledger_by_part ON delivery.ledger (projection, generation, topic, part, first)",
    """
    CREATE TABLE delivery.dead_letters (
        projection text NOT NULL,
        generation integer NOT NULL,
        topic text NOT NULL,
        part integer NOT NULL,
        record_offset bigint NOT NULL,
        event_id uuid,
        store_id text,
        event_type text,
        reason text NOT NULL,
        detail text NOT NULL,
        key bytea,
        value bytea,
        headers jsonb NOT NULL,
        recorded_at timestamptz NOT NULL,
        disposition text NOT NULL DEFAULT 'open' CHECK (disposition IN ('open', 'retried', 'applied', 'discarded')),
        attempts integer NOT NULL DEFAULT 1,
        noted_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (projection, generation, topic, part, record_offset)
    )
    """,
    "CREATE INDEX dead_letters_open ON delivery.dead_letters (noted_at) WHERE disposition = 'open'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in ("dead_letters", "ledger", "positions", "generations", "log"):
        op.execute(f"DROP TABLE delivery.{table}")
    op.execute("DROP SEQUENCE delivery.ledger_id")
    op.execute("DROP SCHEMA write CASCADE")
