"""The statement that joins what the rule said of an alert with what people answered: the status that people see.

A rule that closes an alert has the last word. While it is open to the rule, the newest answer on what to do with it counts, by
its time and then by its place on the log:

- *resolved* closes it until the rule says anything later than what the person had seen;
- *acknowledged* holds until something worse comes: a higher severity, a confirmation, or the alert raised anew.

What a person had seen is the transition that the answer names, or without one the newest that had happened by then. An answer
of another store than the alert's is none.
"""

from typing import Final

_NEWEST: Final = """
    LEFT JOIN LATERAL (
        SELECT * FROM read_g{{generation}}.alert_answers w
        WHERE w.alert_id = a.alert_id AND w.store_id = a.store_id AND w.counts AND w.answer IN {answers}
        ORDER BY w.occurred_at DESC, w.position DESC LIMIT 1
    ) AS {name} ON true
"""
_COLUMNS: Final = ", ".join(
    f"a.{name}"
    for name in (
        *("alert_id", "transition", "store_id", "event_id", "rule", "rule_version", "policy_version", "stage", "severity", "subject"),
        *("window_start", "window_end", "summary", "evidence", "notify_at", "due_at", "occurred_at", "recorded_at", "part", "position"),
        "raised_at",
    )
)
_GRAVITY: Final = "array_position(ARRAY['low', 'medium', 'high'], {of}.severity)"

JOINED: Final = f"""
    SELECT * FROM (
        SELECT {_COLUMNS}, a.status AS rule_status,
            CASE
                WHEN a.status NOT IN ('raised', 'updated', 'acknowledged') OR seen.transition IS NULL THEN a.status
                WHEN handled.answer = 'resolved' AND a.transition > seen.transition THEN a.status
                WHEN handled.answer = 'resolved' THEN 'resolved'
                WHEN {_GRAVITY.format(of="a")} > {_GRAVITY.format(of="seen")} THEN a.status
                WHEN a.stage = 'confirmed' AND seen.stage = 'provisional' THEN a.status
                WHEN EXISTS (
                    SELECT FROM read_g{{generation}}.alert_transitions t
                    WHERE t.alert_id = a.alert_id AND t.transition > seen.transition AND t.status = 'raised'
                ) THEN a.status
                ELSE 'acknowledged'
            END AS status,
            handled.answer AS handled, handled.occurred_at AS handled_at, handled.answered_by AS handled_by,
            judged.answer AS judged, judged.occurred_at AS judged_at, judged.answered_by AS judged_by
        FROM read_g{{generation}}.open_alerts a
        {_NEWEST.format(answers="('acknowledged', 'resolved')", name="handled")}
        {_NEWEST.format(answers="('true_alarm', 'false_alarm')", name="judged")}
        LEFT JOIN LATERAL (
            SELECT t.transition, t.severity, t.stage FROM read_g{{generation}}.alert_transitions t
            WHERE t.alert_id = a.alert_id AND CASE
                WHEN handled.transition IS NULL THEN t.occurred_at <= handled.occurred_at ELSE t.transition <= handled.transition END
            ORDER BY t.transition DESC LIMIT 1
        ) AS seen ON true
        WHERE {{conditions}}
    ) AS alert
    WHERE {{seen}}
    ORDER BY window_end DESC, alert_id DESC LIMIT {{rows}}
"""  # noqa: S608 - literals of ours
"""Statuses and the number of rows are written into it, where the planner sees them: the plan that it keeps for any parameters
would read and sort every alert (4 s of 200,000; it is 10 ms in the order of the index). `seen` is a condition on what people see.
"""
