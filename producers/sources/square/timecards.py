"""Square timecards as punches: in, breaks, out. Pure.

A timecard is sent again at each punch; punches that were told already come out the same. An open timecard, or an open
break, has no end yet. The time of a punch that was told cannot be changed here: the same punch at another time is refused
by the edge as a conflict, and a manager settles it with the attendance.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import BREAK_ENDED, BREAK_STARTED, CLOCKED_IN, CLOCKED_OUT
from contracts.fields import Model
from producers.sources.payload import Node
from producers.sources.vendor import Connection, Happening


def timecard_events(timecard: Node, connection: Connection) -> Iterator[Event[Model]]:
    """Translate one timecard (or shift, as it was called before)."""
    store, card = connection.store(timecard.at("location_id")), timecard.text("id")
    employee = timecard.text_or_none("team_member_id") or timecard.text("employee_id")

    def punch(event_type: str, at: datetime, *key: str, **values: Any) -> Event[Model]:
        happening = Happening(connection, store, at, ("timecard", card, *key), card)
        return happening.fact(event_type, {"employee_id": employee, **values})

    yield punch(CLOCKED_IN, timecard.moment("start_at"), "in")
    for row in timecard.items("breaks"):
        paid = {"paid": row.flag("is_paid")} if row.has("is_paid") else {}
        yield punch(BREAK_STARTED, row.moment("start_at"), "break", row.text("id"), "start", **paid)
        if row.has("end_at"):
            yield punch(BREAK_ENDED, row.moment("end_at"), "break", row.text("id"), "end")
    if timecard.has("end_at"):
        yield punch(CLOCKED_OUT, timecard.moment("end_at"), "out")
