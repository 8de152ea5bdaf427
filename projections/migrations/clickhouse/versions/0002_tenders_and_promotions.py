"""Keep with the facts of sales which promotion and till period a line belongs to, and how receipts were paid.

Rows that an older mapping wrote have none of it: the mapping's version asks for a new generation.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = (("promotion_id", "LowCardinality(String)"), ("period_id", "String"), ("tender_count", "UInt32"))

RECEIPT_TENDERS = """
CREATE TABLE IF NOT EXISTS receipt_tenders_g1 (
    store_id LowCardinality(String),
    business_date Date,
    event_id UUID,
    tender UInt32,
    event_type LowCardinality(String),
    is_correction UInt8,
    event_hash Int64,
    partition UInt32,
    position UInt64,
    version UInt64,
    recorded_at DateTime64(3, 'UTC'),
    occurred_at DateTime64(6, 'UTC'),
    currency LowCardinality(String),
    phase LowCardinality(String),
    kind LowCardinality(String),
    direction Int16,
    amount Int64,
    change Int64,
    tip Int64,
    till_id String,
    period_id String,
    employee_id String
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(business_date)
ORDER BY (store_id, business_date, event_id, tender)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.get_bind().exec_driver_sql(f"ALTER TABLE sales_lines_g1 ADD COLUMN IF NOT EXISTS {name} {kind}")
    op.get_bind().exec_driver_sql(RECEIPT_TENDERS)


def downgrade() -> None:
    op.get_bind().exec_driver_sql("DROP TABLE IF EXISTS receipt_tenders_g1 SYNC")
    for name, _ in reversed(COLUMNS):
        op.get_bind().exec_driver_sql(f"ALTER TABLE sales_lines_g1 DROP COLUMN IF EXISTS {name}")
