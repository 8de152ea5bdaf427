"""One full example and more of every event type: a chain with stores in Seoul.

The files below `contracts/examples`, the examples inside the JSON Schemas and the pages of the events are written from this table.
"""

from contracts.example_events.build import Json
from contracts.example_events.people import PEOPLE
from contracts.example_events.reference import REFERENCE
from contracts.example_events.rules import CONTROL, CORRECTIONS, DERIVED
from contracts.example_events.sales import SALES
from contracts.example_events.stock import STOCK
from contracts.example_events.tills import TILLS

EXAMPLES: dict[str, Json] = {**SALES, **TILLS, **PEOPLE, **STOCK, **REFERENCE, **CORRECTIONS, **CONTROL, **DERIVED}
"""Path below `contracts/examples` to the event."""


def examples_of(event_type: str) -> list[Json]:
    """Return the examples of one type, in the order of the table."""
    return [event for event in EXAMPLES.values() if event["type"] == event_type]
