"""Tell late sales by the ticks where time is simulated; the model of till periods is read again from the log's start."""

from alembic import op
from sqlalchemy import text

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

MODEL = (
    "till_period_events",
    "till_entries",
    "till_tenders",
    "till_openings",
    "till_closings",
    "till_periods",
    "receipts_twice",
    "late_sales",
)

STATEMENTS = (
    "ALTER TABLE read_g1.late_sales DROP CONSTRAINT late_sales_pkey",
    "ALTER TABLE read_g1.late_sales ADD COLUMN simulated boolean NOT NULL",
    "ALTER TABLE read_g1.late_sales ADD PRIMARY KEY (store_id, business_date, simulated, quarter)",
    """
    CREATE TABLE read_g1.tick_clocks (
        part integer PRIMARY KEY,
        at timestamptz NOT NULL,
        simulated boolean NOT NULL
    )
    """,
)
BACK = (
    "DROP TABLE read_g1.tick_clocks",
    "ALTER TABLE read_g1.late_sales DROP CONSTRAINT late_sales_pkey",
    "ALTER TABLE read_g1.late_sales DROP COLUMN simulated",
    "ALTER TABLE read_g1.late_sales ADD PRIMARY KEY (store_id, business_date, quarter)",
)


def _read_again() -> None:
    """Forget what was delivered, in every generation: at which ticks the facts came can only be told from the log."""
    later = "SELECT generation FROM delivery.generations WHERE projection = 'till_periods' AND generation > 1"
    for generation in op.get_bind().execute(text(later)).scalars().all():
        for table in (*MODEL, "tick_clocks"):
            op.execute(f"DROP TABLE IF EXISTS read_g{generation}.{table}")
    op.execute("TRUNCATE " + ", ".join(f"read_g1.{table}" for table in MODEL))
    for table in ("positions", "ledger", "generations"):
        op.execute(f"DELETE FROM delivery.{table} WHERE projection = 'till_periods'")  # noqa: S608 - literal names


def upgrade() -> None:
    _read_again()
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    _read_again()
    for statement in BACK:
        op.execute(statement)
