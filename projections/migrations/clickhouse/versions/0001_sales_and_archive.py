"""Make the first generation of the sales facts, their hourly sums, and the archive of the log."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DURABLE = "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"

SALES_LINES = f"""
CREATE TABLE IF NOT EXISTS sales_lines_g1 (
    store_id LowCardinality(String),
    business_date Date,
    event_id UUID,
    line UInt32,
    event_type LowCardinality(String),
    is_correction UInt8,
    event_hash Int64,
    partition UInt32,
    position UInt64,
    version UInt64,
    recorded_at DateTime64(3, 'UTC'),
    occurred_at DateTime64(6, 'UTC'),
    line_count UInt32,
    hour_start DateTime64(0, 'UTC'),
    utc_offset_minutes Int16,
    currency LowCardinality(String),
    phase LowCardinality(String),
    kind LowCardinality(String),
    sku String,
    quantity Decimal(18, 5),
    gross Int64,
    discount Int64,
    tax Int64,
    receipt_id String,
    till_id String,
    employee_id String,
    channel LowCardinality(String),
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(business_date)
ORDER BY (store_id, business_date, event_id, line)
{DURABLE}
"""

SALE_CORRECTIONS = f"""
CREATE TABLE IF NOT EXISTS sale_corrections_g1 (
    store_id LowCardinality(String),
    business_date Date,
    event_id UUID,
    corrects_event_id UUID,
    corrects_type LowCardinality(String),
    kind LowCardinality(String),
    reason String,
    event_hash Int64,
    partition UInt32,
    position UInt64,
    version UInt64,
    recorded_at DateTime64(3, 'UTC'),
    occurred_at DateTime64(6, 'UTC'),
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(business_date)
ORDER BY (store_id, business_date, event_id)
{DURABLE}
"""

SALES_BY_HOUR = f"""
CREATE TABLE IF NOT EXISTS sales_by_hour_g1 (
    store_id LowCardinality(String),
    business_date Date,
    hour_start DateTime64(0, 'UTC'),
    currency LowCardinality(String),
    utc_offset_minutes Int16,
    gross Int64,
    discounts Int64,
    returns Int64,
    voids Int64,
    net Int64,
    transactions Int64,
    sale_net Int64,
    units Decimal(38, 5),
    service_amount Int64,
    counted_lines Int64,
    version UInt64
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(business_date)
ORDER BY (store_id, business_date, hour_start, currency)
{DURABLE}
"""

EVENT_LOG = f"""
CREATE TABLE IF NOT EXISTS event_log_g1 (
    log_id LowCardinality(String),
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    recorded_at DateTime64(3, 'UTC'),
    key Nullable(String),
    value Nullable(String),
    header_names Array(String),
    header_values Array(String),
    ce_type LowCardinality(String),
    store_id LowCardinality(String),
    ce_id String,
    ce_businessdate String,
    event_hash Int64
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(recorded_at)
ORDER BY (log_id, topic, partition, offset)
{DURABLE}
"""

TABLES = ("sales_lines_g1", "sale_corrections_g1", "sales_by_hour_g1", "event_log_g1")


def upgrade() -> None:
    for statement in (SALES_LINES, SALE_CORRECTIONS, SALES_BY_HOUR, EVENT_LOG):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.get_bind().exec_driver_sql(f"DROP TABLE IF EXISTS {table} SYNC")
