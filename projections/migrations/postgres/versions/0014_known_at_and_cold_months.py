"""Keep when each sign of a till and each number of a device was recorded, and which months of the archive lie in files.

The model of till days is read again from the log's start: what it kept before does not say when it was heard.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

EVENTS = ("stock_on_hand_events", "incoming_goods_events", "attendance_day_events", "till_period_events")
TILL_DAYS = {
    "store_days": ("recorded_at timestamptz NOT NULL DEFAULT 'infinity'", "certain_at timestamptz"),
    "till_days": ("recorded_at timestamptz NOT NULL DEFAULT 'infinity'",),
    "device_numbers": ("received_at timestamptz", "announced_at timestamptz"),
}
ARCHIVE = (
    """
    CREATE TABLE write.archive_retention (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        hot_months integer CHECK (hot_months >= 1),
        decided_by text NOT NULL,
        decided_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE write.archive_files (
        log_id text NOT NULL,
        month integer NOT NULL,
        topic text NOT NULL,
        part integer NOT NULL,
        first_offset bigint NOT NULL,
        last_offset bigint NOT NULL,
        records bigint NOT NULL,
        hash_sum numeric NOT NULL,
        file text NOT NULL,
        sha256 text NOT NULL,
        bytes bigint NOT NULL,
        exported_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (log_id, month, topic, part)
    )
    """,
    """
    CREATE TABLE write.archive_drops (
        log_id text NOT NULL,
        month integer NOT NULL,
        generation integer NOT NULL,
        dropped_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (log_id, month, generation)
    )
    """,
)


def upgrade() -> None:
    for table, columns in TILL_DAYS.items():
        for column in columns:
            op.execute(f"ALTER TABLE read_g1.{table} ADD COLUMN {column}")
    for table in EVENTS:
        op.execute(f"CREATE INDEX {table}_by_time ON read_g1.{table} USING brin (recorded_at)")
    for statement in ARCHIVE:
        op.execute(statement)


def downgrade() -> None:
    for table in ("archive_drops", "archive_files", "archive_retention"):
        op.execute(f"DROP TABLE write.{table}")
    for table in EVENTS:
        op.execute(f"DROP INDEX read_g1.{table}_by_time")
    for table, columns in TILL_DAYS.items():
        for column in columns:
            op.execute(f"ALTER TABLE read_g1.{table} DROP COLUMN {column.split()[0]}")
