"""Generation 1 of the read models in Postgres."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EVENTS = """
    CREATE TABLE read_g1.{name} (
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
"""

EVENT_INDEX = (
    """
    CREATE TABLE read_g1.event_index (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        event_type text NOT NULL,
        business_date date,
        event_hash bigint NOT NULL,
        topic text NOT NULL,
        part integer NOT NULL,
        position bigint NOT NULL,
        recorded_at timestamptz NOT NULL,
        PRIMARY KEY (store_id, event_id)
    )
    """,
)

STORES = (
    """
    CREATE TABLE read_g1.store_versions (
        event_id uuid PRIMARY KEY,
        tenant_id text NOT NULL,
        store_id text NOT NULL,
        version integer NOT NULL,
        effective_from timestamptz NOT NULL,
        name text NOT NULL,
        timezone text NOT NULL,
        currency text NOT NULL,
        country text NOT NULL,
        cut_off_hour integer NOT NULL,
        region text,
        opened_on date,
        head_count integer,
        tills text[] NOT NULL
    )
    """,
    "CREATE INDEX store_versions_by_store ON read_g1.store_versions (store_id, effective_from)",
    """
    CREATE TABLE read_g1.employee_versions (
        event_id uuid PRIMARY KEY,
        tenant_id text NOT NULL,
        store_id text NOT NULL,
        employee_id text NOT NULL,
        version integer NOT NULL,
        effective_from timestamptz NOT NULL,
        status text NOT NULL
    )
    """,
    "CREATE INDEX employee_versions_by_employee ON read_g1.employee_versions (employee_id, effective_from)",
    """
    CREATE TABLE read_g1.sku_versions (
        event_id uuid PRIMARY KEY,
        tenant_id text NOT NULL,
        sku text NOT NULL,
        version integer NOT NULL,
        effective_from timestamptz NOT NULL,
        name text NOT NULL,
        unit text NOT NULL,
        pack_size numeric NOT NULL,
        category text,
        gtin text
    )
    """,
    "CREATE INDEX sku_versions_by_sku ON read_g1.sku_versions (tenant_id, sku, effective_from)",
)

STOCK = (
    EVENTS.format(name="stock_on_hand_events"),
    "CREATE INDEX stock_on_hand_corrections ON read_g1.stock_on_hand_events (store_id) WHERE corrects_event_id IS NOT NULL",
    """
    CREATE TABLE read_g1.stock_movements (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        line integer NOT NULL,
        sku text NOT NULL,
        quantity numeric NOT NULL,
        occurred_at timestamptz NOT NULL,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id, line)
    )
    """,
    "CREATE INDEX stock_movements_by_sku ON read_g1.stock_movements (store_id, sku, occurred_at)",
    """
    CREATE TABLE read_g1.stock_counts (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        line integer NOT NULL,
        sku text NOT NULL,
        quantity numeric NOT NULL,
        counted_at timestamptz NOT NULL,
        position bigint NOT NULL,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id, line)
    )
    """,
    "CREATE INDEX stock_counts_by_sku ON read_g1.stock_counts (store_id, sku, counted_at)",
    """
    CREATE TABLE read_g1.stock_on_hand (
        store_id text NOT NULL,
        sku text NOT NULL,
        on_hand numeric NOT NULL,
        counted_quantity numeric,
        counted_at timestamptz,
        moved_since_count numeric NOT NULL,
        last_movement_at timestamptz,
        PRIMARY KEY (store_id, sku)
    )
    """,
)

ATTENDANCE = (
    EVENTS.format(name="attendance_day_events"),
    "CREATE INDEX attendance_day_corrections ON read_g1.attendance_day_events (store_id) WHERE corrects_event_id IS NOT NULL",
    """
    CREATE TABLE read_g1.attendance_punches (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        employee_id text NOT NULL,
        direction text NOT NULL,
        occurred_at timestamptz NOT NULL,
        business_date date NOT NULL,
        position bigint NOT NULL,
        verdict text,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id)
    )
    """,
    "CREATE INDEX attendance_punches_by_employee ON read_g1.attendance_punches (store_id, employee_id, occurred_at)",
    """
    CREATE TABLE read_g1.attendance_shifts (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        shift_id text NOT NULL,
        revision integer NOT NULL,
        employee_id text NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        business_date date NOT NULL,
        status text NOT NULL,
        position bigint NOT NULL,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id)
    )
    """,
    "CREATE INDEX attendance_shifts_by_shift ON read_g1.attendance_shifts (store_id, shift_id)",
    "CREATE INDEX attendance_shifts_by_employee ON read_g1.attendance_shifts (store_id, employee_id)",
    """
    CREATE TABLE read_g1.attendance_day (
        store_id text NOT NULL,
        employee_id text NOT NULL,
        business_date date NOT NULL,
        first_in timestamptz,
        last_out timestamptz,
        worked_minutes integer NOT NULL,
        late_minutes integer NOT NULL,
        early_minutes integer NOT NULL,
        flags text[] NOT NULL,
        sessions jsonb NOT NULL,
        shifts jsonb NOT NULL,
        PRIMARY KEY (store_id, employee_id, business_date)
    )
    """,
    "CREATE INDEX attendance_day_by_date ON read_g1.attendance_day (business_date, store_id, employee_id)",
)

ALERT_COLUMNS = """
        alert_id uuid NOT NULL,
        transition integer NOT NULL,
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        rule text NOT NULL,
        rule_version integer NOT NULL,
        policy_version integer NOT NULL,
        status text NOT NULL,
        stage text NOT NULL,
        severity text NOT NULL,
        subject text NOT NULL,
        window_start timestamptz NOT NULL,
        window_end timestamptz NOT NULL,
        summary text NOT NULL,
        evidence jsonb NOT NULL,
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        part integer NOT NULL,
        position bigint NOT NULL,
"""

ALERTS = (
    f"CREATE TABLE read_g1.alert_transitions ({ALERT_COLUMNS} PRIMARY KEY (alert_id, transition))",
    f"CREATE TABLE read_g1.open_alerts ({ALERT_COLUMNS} raised_at timestamptz NOT NULL, PRIMARY KEY (alert_id))",
    "CREATE INDEX open_alerts_by_time ON read_g1.open_alerts (window_end, alert_id)",
    "CREATE INDEX open_alerts_by_store ON read_g1.open_alerts (store_id, window_end, alert_id)",
    """
    CREATE TABLE read_g1.rule_progress (
        part integer PRIMARY KEY,
        next_offset bigint NOT NULL,
        clock timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL
    )
    """,
)

REORDER_COLUMNS = """
        recommendation_id uuid NOT NULL,
        revision integer NOT NULL,
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        sku text NOT NULL,
        status text NOT NULL,
        position numeric NOT NULL,
        reorder_point numeric NOT NULL,
        order_quantity numeric NOT NULL,
        rule_version integer NOT NULL,
        policy_version integer NOT NULL,
        evidence jsonb NOT NULL,
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
"""

REORDER = (
    f"CREATE TABLE read_g1.reorder_revisions ({REORDER_COLUMNS} PRIMARY KEY (recommendation_id, revision))",
    f"CREATE TABLE read_g1.reorder_recommendations ({REORDER_COLUMNS} PRIMARY KEY (recommendation_id))",
    "CREATE INDEX reorder_recommendations_by_store ON read_g1.reorder_recommendations (store_id, sku, recommendation_id)",
)


def upgrade() -> None:
    op.execute("CREATE SCHEMA read_g1")
    for statement in (*EVENT_INDEX, *STORES, *STOCK, *ATTENDANCE, *ALERTS, *REORDER):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP SCHEMA read_g1 CASCADE")
