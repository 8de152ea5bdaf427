"""The quarantine keeps refused events too: whose they are, how often they came, what was decided, and until when."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE write.quarantine
        ADD COLUMN tenant_id text,
        ADD COLUMN store_id text,
        ADD COLUMN device_id text,
        ADD COLUMN kind text NOT NULL DEFAULT 'line' CHECK (kind IN ('line', 'event')),
        ADD COLUMN content_type text NOT NULL DEFAULT 'text/csv',
        ADD COLUMN problems jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN seen_count bigint NOT NULL DEFAULT 1,
        ADD COLUMN last_seen_at timestamptz,
        ADD COLUMN attempts integer NOT NULL DEFAULT 0,
        ADD COLUMN resolved_at timestamptz,
        ADD COLUMN resolved_by text,
        ADD COLUMN resolution_reason text,
        ADD COLUMN resubmitted_event_id uuid,
        ADD COLUMN expires_at timestamptz,
        ADD CONSTRAINT quarantine_status CHECK (status IN ('open', 'resubmitted', 'discarded'))
    """,
    "UPDATE write.quarantine SET last_seen_at = noted_at, expires_at = noted_at + make_interval(hours => 90 * 24)",
    "ALTER TABLE write.quarantine ALTER COLUMN last_seen_at SET NOT NULL, ALTER COLUMN expires_at SET NOT NULL",
    "CREATE INDEX quarantine_by_time ON write.quarantine (tenant_id, status, noted_at, id)",
    "CREATE INDEX quarantine_by_reason ON write.quarantine (tenant_id, status, source, code, noted_at, id)",
    "CREATE INDEX quarantine_by_expiry ON write.quarantine (expires_at) WHERE status = 'open'",
)
COLUMNS = (
    "tenant_id",
    "store_id",
    "device_id",
    "kind",
    "content_type",
    "problems",
    "seen_count",
    "last_seen_at",
    "attempts",
    "resolved_at",
    "resolved_by",
    "resolution_reason",
    "resubmitted_event_id",
    "expires_at",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for index in ("quarantine_by_time", "quarantine_by_reason", "quarantine_by_expiry"):
        op.execute(f"DROP INDEX write.{index}")
    op.execute("ALTER TABLE write.quarantine DROP CONSTRAINT quarantine_status")
    for column in COLUMNS:
        op.execute(f"ALTER TABLE write.quarantine DROP COLUMN {column}")
