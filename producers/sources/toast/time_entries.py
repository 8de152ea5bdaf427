"""Toast time entries as punches: in, breaks, out; a deleted entry takes its punches back. Pure.

A break that was missed was not taken, and gives no punch. An entry that Toast closed by itself says so.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from contracts.envelope import Event
from contracts.events.registry import BREAK_ENDED, BREAK_STARTED, CLOCKED_IN, CLOCKED_OUT
from contracts.fields import Model
from producers.sources.payload import Node
from producers.sources.vendor import Connection, Happening

_Press = tuple[str, datetime, tuple[str, ...], dict[str, Any]]


def time_entry_events(entry: Node, connection: Connection, restaurant: Node) -> Iterator[Event[Model]]:
    """Translate one time entry."""
    store, entry_id = connection.store(restaurant), entry.text("guid")
    employee = entry.text("employeeReference", "guid")
    for event_type, at, key, values in _presses(entry):
        happening = Happening(connection, store, at, ("time_entry", entry_id, *key), entry_id)
        if entry.flag("deleted"):
            deleted_at = entry.moment_or_none("deletedDate") or entry.moment("modifiedDate")
            yield happening.retraction(event_type, deleted_at, "the time entry was deleted")
        else:
            yield happening.fact(event_type, {"employee_id": employee, **values})


def _presses(entry: Node) -> Iterator[_Press]:
    yield CLOCKED_IN, entry.moment("inDate"), ("in",), {}
    for row in entry.items("breaks"):
        if row.flag("missed"):
            continue
        paid = {"paid": row.flag("paid")} if row.has("paid") else {}
        yield BREAK_STARTED, row.moment("inDate"), ("break", row.text("guid"), "start"), paid
        if row.has("outDate"):
            yield BREAK_ENDED, row.moment("outDate"), ("break", row.text("guid"), "end"), {}
    if entry.has("outDate"):
        auto = {"punch_source": "auto", "auto_reason": "shift_ended"} if entry.flag("autoClockedOut") else {}
        yield CLOCKED_OUT, entry.moment("outDate"), ("out",), auto
