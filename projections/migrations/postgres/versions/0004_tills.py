"""Read models of tills: who was heard and which numbers are missing, and closings against the events of their period."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TILL_DAYS = (
    """
    CREATE TABLE read_g1.store_days (
        store_id text NOT NULL,
        business_date date NOT NULL,
        last_heard_at timestamptz NOT NULL,
        is_certain boolean NOT NULL,
        PRIMARY KEY (store_id, business_date)
    )
    """,
    """
    CREATE TABLE read_g1.till_days (
        store_id text NOT NULL,
        till_id text NOT NULL,
        business_date date NOT NULL,
        last_heard_at timestamptz NOT NULL,
        has_heartbeat boolean NOT NULL,
        is_closed boolean NOT NULL,
        PRIMARY KEY (store_id, till_id, business_date)
    )
    """,
    "CREATE INDEX till_days_by_date ON read_g1.till_days (store_id, business_date)",
    """
    CREATE TABLE read_g1.device_numbers (
        store_id text NOT NULL,
        device_id text NOT NULL,
        device_seq bigint NOT NULL,
        received_on date,
        announced_on date,
        PRIMARY KEY (store_id, device_id, device_seq),
        CHECK (received_on IS NOT NULL OR announced_on IS NOT NULL)
    )
    """,
    """
    CREATE TABLE read_g1.number_gaps (
        store_id text NOT NULL,
        device_id text NOT NULL,
        next_seq bigint NOT NULL,
        business_date date NOT NULL,
        first_missing bigint NOT NULL,
        last_missing bigint NOT NULL,
        PRIMARY KEY (store_id, device_id, next_seq)
    )
    """,
    "CREATE INDEX number_gaps_by_date ON read_g1.number_gaps (store_id, business_date)",
)

TILL_PERIODS = (
    """
    CREATE TABLE read_g1.till_period_events (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        event_type text NOT NULL,
        business_date date,
        event_hash bigint NOT NULL,
        position bigint NOT NULL,
        recorded_at timestamptz NOT NULL,
        corrects_event_id uuid,
        corrects_type text,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id)
    )
    """,
    "CREATE INDEX till_period_corrections ON read_g1.till_period_events (store_id) WHERE corrects_event_id IS NOT NULL",
    """
    CREATE TABLE read_g1.till_entries (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        till_id text NOT NULL,
        period_id text,
        kind text NOT NULL,
        occurred_at timestamptz NOT NULL,
        gross bigint NOT NULL,
        discounts bigint NOT NULL,
        returns bigint NOT NULL,
        voids bigint NOT NULL,
        tax bigint NOT NULL,
        tips bigint NOT NULL,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id)
    )
    """,
    "CREATE INDEX till_entries_by_period ON read_g1.till_entries (store_id, till_id, period_id, occurred_at)",
    """
    CREATE TABLE read_g1.till_tenders (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        kind text NOT NULL,
        tenders integer NOT NULL,
        amount bigint NOT NULL,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id, kind)
    )
    """,
    """
    CREATE TABLE read_g1.till_openings (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        till_id text NOT NULL,
        period_id text NOT NULL,
        opened_at timestamptz NOT NULL,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id)
    )
    """,
    "CREATE INDEX till_openings_by_period ON read_g1.till_openings (store_id, till_id, period_id)",
    """
    CREATE TABLE read_g1.till_closings (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        till_id text NOT NULL,
        period_id text NOT NULL,
        opened_at timestamptz NOT NULL,
        closed_at timestamptz NOT NULL,
        position bigint NOT NULL,
        report jsonb NOT NULL,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id)
    )
    """,
    "CREATE INDEX till_closings_by_period ON read_g1.till_closings (store_id, till_id, period_id)",
    "CREATE INDEX till_closings_by_time ON read_g1.till_closings (store_id, till_id, opened_at)",
    """
    CREATE TABLE read_g1.till_periods (
        store_id text NOT NULL,
        till_id text NOT NULL,
        period_id text NOT NULL,
        business_date date NOT NULL,
        PRIMARY KEY (store_id, till_id, period_id)
    )
    """,
    "CREATE INDEX till_periods_by_date ON read_g1.till_periods (store_id, business_date, till_id, period_id)",
)
TABLES = (
    "till_periods",
    "till_closings",
    "till_openings",
    "till_tenders",
    "till_entries",
    "till_period_events",
    "number_gaps",
    "device_numbers",
    "till_days",
    "store_days",
)


def upgrade() -> None:
    for statement in (*TILL_DAYS, *TILL_PERIODS):
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE read_g1.{table}")
