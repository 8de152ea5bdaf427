"""Which sale does a return or a void name? Read from the event's own bytes, for no read model keeps it. Pure."""

from typing import Final, NamedTuple
from uuid import UUID

import msgspec


class Link(NamedTuple):
    """The sale that is named: its store, and its id or else the number of its receipt."""

    store_id: str
    event_id: UUID | None
    receipt_id: str | None


class _Names(msgspec.Struct):
    original_event_id: UUID | None = None
    original_receipt_id: str | None = None
    original_store_id: str | None = None
    voided_event_id: UUID | None = None
    voided_receipt_id: str | None = None


class _Said(_Names):
    replacement: _Names | None = None
    """The right content, where the event is a correction."""


_said: Final = msgspec.json.Decoder(_Said)


def link_of(value: bytes | str, store_id: str, *, is_correction: bool) -> Link | None:
    """Return what a return or void of a store names, or a correction that carries one; None: it names no sale."""
    said = _said.decode(value)
    names: _Names = (said.replacement or _Names()) if is_correction else said
    event_id, receipt_id = names.original_event_id or names.voided_event_id, names.original_receipt_id or names.voided_receipt_id
    if event_id is None and receipt_id is None:
        return None
    return Link(names.original_store_id or store_id, event_id, receipt_id)
