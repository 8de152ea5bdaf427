"""Make the read models of goods on their way and of reference data."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE read_g1.incoming_goods_events (
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
    "CREATE INDEX incoming_goods_corrections ON read_g1.incoming_goods_events (store_id) WHERE corrects_event_id IS NOT NULL",
    """
    CREATE TABLE read_g1.incoming_goods_lines (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        line integer NOT NULL,
        kind text NOT NULL,
        side text NOT NULL,
        to_store_id text NOT NULL,
        reference text NOT NULL,
        sku text NOT NULL,
        quantity numeric NOT NULL,
        occurred_at timestamptz NOT NULL,
        supplier_id text,
        expected_on date,
        currency text,
        unit_cost numeric,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id, line)
    )
    """,
    "CREATE INDEX incoming_goods_by_reference ON read_g1.incoming_goods_lines (to_store_id, kind, reference, sku)",
    """
    CREATE TABLE read_g1.reference_data (
        event_id uuid PRIMARY KEY,
        tenant_id text NOT NULL,
        kind text NOT NULL,
        name text NOT NULL,
        store_id text,
        version integer NOT NULL,
        effective_from timestamptz NOT NULL,
        data jsonb NOT NULL,
        recorded_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX reference_data_by_name ON read_g1.reference_data (tenant_id, kind, name, version)",
)
TABLES = ("reference_data", "incoming_goods_lines", "incoming_goods_events")


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE read_g1.{table}")
