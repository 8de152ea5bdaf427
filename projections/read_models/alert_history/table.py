"""Every transition of every alert, and every answer of people, as they were recorded."""

from typing import Final

from projections.sinks.clickhouse_fact_columns import facts_table
from projections.sinks.clickhouse_table import identity, integer, moment, text, word

ALERT_HISTORY: Final = facts_table(
    "alert_history",
    word("kind"),
    identity("alert_id"),
    integer("transition", "UInt32"),
    word("rule"),
    integer("rule_version", "UInt32"),
    integer("policy_version", "UInt32"),
    word("status"),
    word("stage"),
    word("severity"),
    text("subject"),
    moment("window_start", 6),
    moment("window_end", 6),
    text("summary"),
    text("evidence"),
    text("answered_by"),
    text("note"),
)
"""`kind` is 'transition' or 'answer'; of an answer, `status` is what was answered and the window is its own time."""
