"""JSON lines of our own CloudEvents form: for senders that can write events as our contracts say. Pure.

The connection says whose they are and which stores they may speak of; ids are the sender's own.
"""

from collections.abc import Iterable
from typing import Any

from contracts.business_time import business_date, in_zone
from contracts.codec import build_event
from contracts.envelope import Envelope, Event
from contracts.events.registry import POSTABLE_TYPES
from contracts.fields import Model
from producers.sources.payload import Node, parsed
from producers.sources.vendor import Connection, Translated, each


def translate_json_lines(payload: Any, connection: Connection) -> Translated:
    """Translate the text of a file or body, one document a line; a pointer begins with the number of the document, from 0."""
    if not isinstance(payload, str):
        return Translated((), (Node(payload).refused("unknown_payload", "text, one JSON object a line").problem,))
    lines = [line for line in payload.split("\n") if line.strip()]
    return each([Node(line, f"/{number}") for number, line in enumerate(lines)], _line_events, connection)


def _line_events(line: Node, connection: Connection) -> Iterable[Event[Model]]:
    document = Node(parsed(line.value, line.pointer), line.pointer)
    if not isinstance(document.value, dict):
        raise document.refused("not_an_object", "a JSON object")
    if document.text("type") not in POSTABLE_TYPES:
        raise document.at("type").refused("type_not_postable", "one of " + ", ".join(sorted(POSTABLE_TYPES)))
    store = connection.store(document.at("storeid"))
    attributes = {name: value for name, value in document.value.items() if name not in {"data", "datacontenttype"}}
    given = Envelope.model_validate({**attributes, "storeid": store.store_id, "tenantid": connection.tenant})
    event = build_event(given, document.at("data").value)
    day = business_date(given.occurred_at, store.timezone, store.cut_off_hour)
    update = {"occurred_at": in_zone(given.occurred_at, store.timezone), "business_date": day}
    return [Event(given.model_copy(update=update), event.data)]
