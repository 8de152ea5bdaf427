"""Answers to alerts, when people are told, and progress of each stage of rules; the model is read again from the log's start."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE read_g1.alert_transitions ADD COLUMN notify_at timestamptz",
    "ALTER TABLE read_g1.open_alerts ADD COLUMN notify_at timestamptz, ADD COLUMN due_at timestamptz NOT NULL",
    """
    CREATE INDEX open_alerts_open ON read_g1.open_alerts (window_end, alert_id)
    WHERE status IN ('raised', 'updated', 'acknowledged')
    """,
    "ALTER TABLE read_g1.rule_progress DROP CONSTRAINT rule_progress_pkey, ADD COLUMN stage text NOT NULL, ADD PRIMARY KEY (stage, part)",
    """
    CREATE TABLE read_g1.alert_answer_events (
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
    "CREATE INDEX alert_answer_corrections ON read_g1.alert_answer_events (store_id) WHERE corrects_event_id IS NOT NULL",
    """
    CREATE TABLE read_g1.alert_answers (
        store_id text NOT NULL,
        event_id uuid NOT NULL,
        alert_id uuid NOT NULL,
        answer text NOT NULL,
        answered_by text,
        note text,
        transition integer,
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        position bigint NOT NULL,
        counts boolean NOT NULL DEFAULT true,
        PRIMARY KEY (store_id, event_id)
    )
    """,
    "CREATE INDEX alert_answers_by_alert ON read_g1.alert_answers (alert_id, store_id, occurred_at, position)",
)
BACK = (
    "DROP TABLE read_g1.alert_answers",
    "DROP TABLE read_g1.alert_answer_events",
    "ALTER TABLE read_g1.rule_progress DROP CONSTRAINT rule_progress_pkey, DROP COLUMN stage, ADD PRIMARY KEY (part)",
    "DROP INDEX read_g1.open_alerts_open",
    "ALTER TABLE read_g1.open_alerts DROP COLUMN notify_at, DROP COLUMN due_at",
    "ALTER TABLE read_g1.alert_transitions DROP COLUMN notify_at",
)


def _read_again() -> None:
    """Forget what was delivered: rows of the other mapping cannot be told from new ones, and the log has everything."""
    op.execute("TRUNCATE read_g1.alert_transitions, read_g1.open_alerts, read_g1.rule_progress")
    for table in ("positions", "ledger", "generations"):
        op.execute(f"DELETE FROM delivery.{table} WHERE projection = 'open_alerts' AND generation = 1")  # noqa: S608 - literal names


def upgrade() -> None:
    _read_again()
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    _read_again()
    for statement in BACK:
        op.execute(statement)
