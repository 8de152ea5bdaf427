"""Keep what a reconciliation has read of the log, which store-days it compared row by row, its runs, and what they found."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE delivery.log_reads (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        log_id text NOT NULL,
        topic text NOT NULL,
        part integer NOT NULL,
        next_offset bigint NOT NULL DEFAULT 0,
        hash_sum numeric NOT NULL DEFAULT 0,
        last_hash bigint,
        repeats bigint NOT NULL DEFAULT 0,
        unidentified bigint NOT NULL DEFAULT 0,
        read_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (topic, part)
    )
    """,
    """
    CREATE TABLE delivery.log_digest (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        read_id integer NOT NULL REFERENCES delivery.log_reads ON DELETE CASCADE,
        store_id text NOT NULL,
        business_date text NOT NULL,
        event_type text NOT NULL,
        events bigint NOT NULL DEFAULT 0,
        hash_sum numeric NOT NULL DEFAULT 0,
        id_sum numeric NOT NULL DEFAULT 0,
        UNIQUE (read_id, store_id, business_date, event_type)
    )
    """,
    """
    CREATE TABLE delivery.log_events (
        topic smallint NOT NULL,
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        digest_id integer NOT NULL REFERENCES delivery.log_digest ON DELETE CASCADE,
        record_offset bigint NOT NULL,
        event_hash bigint NOT NULL,
        corrects uuid,
        PRIMARY KEY (topic, store_id, event_id)
    )
    """,
    "CREATE INDEX log_events_by_digest ON delivery.log_events (digest_id)",
    "CREATE INDEX log_events_by_corrected ON delivery.log_events (store_id, corrects) WHERE corrects IS NOT NULL",
    """
    CREATE TABLE delivery.log_conflicts (
        topic smallint NOT NULL,
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        part integer NOT NULL,
        record_offset bigint NOT NULL,
        first text NOT NULL,
        later text NOT NULL,
        PRIMARY KEY (topic, part, record_offset)
    )
    """,
    """
    CREATE TABLE delivery.store_days_checked (
        store_id text NOT NULL,
        business_date text NOT NULL,
        events bigint NOT NULL,
        hash_sum numeric NOT NULL,
        checked_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (store_id, business_date)
    )
    """,
    """
    CREATE TABLE write.reconciliations (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        state text NOT NULL CHECK (state IN ('asked', 'running', 'done')),
        asked_by text NOT NULL,
        asked_at timestamptz NOT NULL DEFAULT now(),
        options jsonb NOT NULL,
        started_at timestamptz,
        finished_at timestamptz,
        confirmed_at timestamptz,
        verdict text CHECK (verdict IN ('PASS', 'MISMATCH', 'UNVERIFIED', 'CHECK_ERROR')),
        business_verdict text CHECK (business_verdict IN ('PASS', 'MISMATCH', 'UNVERIFIED', 'CHECK_ERROR')),
        report jsonb
    )
    """,
    "CREATE INDEX reconciliations_asked ON write.reconciliations (id) WHERE state = 'asked'",
    """
    CREATE TABLE write.reconciliation_findings (
        run_id bigint NOT NULL REFERENCES write.reconciliations ON DELETE CASCADE,
        number integer NOT NULL,
        section text NOT NULL CHECK (section IN ('difference', 'explained', 'conflict', 'business')),
        model text NOT NULL,
        store_id text NOT NULL,
        business_date text NOT NULL,
        event_type text NOT NULL,
        document jsonb NOT NULL,
        PRIMARY KEY (run_id, number)
    )
    """,
)
TABLES = (
    "write.reconciliation_findings",
    "write.reconciliations",
    "delivery.store_days_checked",
    "delivery.log_conflicts",
    "delivery.log_events",
    "delivery.log_digest",
    "delivery.log_reads",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
