"""Receipts under their numbers, facts that came late, and the cash of a till period; the model is read again from the log's start."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MODEL = ("till_period_events", "till_entries", "till_tenders", "till_openings", "till_closings", "till_periods")

STATEMENTS = (
    """
    ALTER TABLE read_g1.till_entries
        ADD COLUMN business_date date,
        ADD COLUMN receipt_id text,
        ADD COLUMN is_tendered boolean NOT NULL,
        ADD COLUMN moved bigint NOT NULL
    """,
    """
    CREATE INDEX till_entries_by_receipt ON read_g1.till_entries (store_id, business_date, receipt_id, till_id, kind)
    WHERE receipt_id IS NOT NULL
    """,
    "ALTER TABLE read_g1.till_openings ADD COLUMN float_amount bigint NOT NULL",
    """
    CREATE TABLE read_g1.receipts_twice (
        store_id text NOT NULL,
        business_date date NOT NULL,
        receipt_id text NOT NULL,
        till_id text NOT NULL,
        kind text NOT NULL,
        PRIMARY KEY (store_id, business_date, receipt_id, till_id, kind)
    )
    """,
    """
    CREATE TABLE read_g1.late_sales (
        store_id text NOT NULL,
        business_date date NOT NULL,
        quarter timestamptz NOT NULL,
        facts bigint NOT NULL,
        recorded_at timestamptz NOT NULL,
        PRIMARY KEY (store_id, business_date, quarter)
    )
    """,
)
BACK = (
    "DROP TABLE read_g1.late_sales",
    "DROP TABLE read_g1.receipts_twice",
    "ALTER TABLE read_g1.till_openings DROP COLUMN float_amount",
    "DROP INDEX read_g1.till_entries_by_receipt",
    "ALTER TABLE read_g1.till_entries DROP COLUMN business_date, DROP COLUMN receipt_id, DROP COLUMN is_tendered, DROP COLUMN moved",
)


def _read_again() -> None:
    """Forget what was delivered: rows of the other mapping cannot be told from new ones, and the log has everything."""
    op.execute("TRUNCATE " + ", ".join(f"read_g1.{table}" for table in MODEL))
    for table in ("positions", "ledger", "generations"):
        op.execute(f"DELETE FROM delivery.{table} WHERE projection = 'till_periods' AND generation = 1")  # noqa: S608 - literal names


def upgrade() -> None:
    _read_again()
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    _read_again()
    for statement in BACK:
        op.execute(statement)
