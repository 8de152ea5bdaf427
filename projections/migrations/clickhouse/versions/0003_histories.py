"""Make the first generation of the stock ledger, of clock events and of the history of alerts."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

HEAD = """store_id LowCardinality(String),
    business_date Date,
    event_id UUID,
    line UInt32,
    event_type LowCardinality(String),
    corrects_event_id UUID,
    corrects_type LowCardinality(String),
    event_hash Int64,
    partition UInt32,
    position UInt64,
    version UInt64,
    recorded_at DateTime64(3, 'UTC'),
    occurred_at DateTime64(6, 'UTC'),
    line_count UInt32"""
TAIL = """INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(business_date)
ORDER BY (store_id, business_date, event_id, line)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"""

STOCK_LEDGER = f"""
CREATE TABLE IF NOT EXISTS stock_ledger_g1 (
    {HEAD},
    kind LowCardinality(String),
    sku String,
    quantity Decimal(18, 5),
    moved_at DateTime64(6, 'UTC'),
    reason LowCardinality(String),
    reference String,
    employee_id String,
    {TAIL}
"""

CLOCK_EVENTS = f"""
CREATE TABLE IF NOT EXISTS clock_events_g1 (
    {HEAD},
    kind LowCardinality(String),
    employee_id String,
    punch_source LowCardinality(String),
    offline UInt8,
    auto_reason LowCardinality(String),
    verdict LowCardinality(String),
    distance_m Int64,
    accuracy_m Int64,
    mock_location UInt8,
    fence_id String,
    {TAIL}
"""

ALERT_HISTORY = f"""
CREATE TABLE IF NOT EXISTS alert_history_g1 (
    {HEAD},
    kind LowCardinality(String),
    alert_id UUID,
    transition UInt32,
    rule LowCardinality(String),
    rule_version UInt32,
    policy_version UInt32,
    status LowCardinality(String),
    stage LowCardinality(String),
    severity LowCardinality(String),
    subject String,
    window_start DateTime64(6, 'UTC'),
    window_end DateTime64(6, 'UTC'),
    summary String,
    evidence String,
    answered_by String,
    note String,
    {TAIL}
"""

TABLES = ("stock_ledger_g1", "clock_events_g1", "alert_history_g1")


def upgrade() -> None:
    for statement in (STOCK_LEDGER, CLOCK_EVENTS, ALERT_HISTORY):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.get_bind().exec_driver_sql(f"DROP TABLE IF EXISTS {table} SYNC")
