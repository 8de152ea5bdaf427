"""From a reference event or a policy to the row of its version; pure."""

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.envelope import CHAIN_WIDE
from contracts.events.reference import PolicySet, Version
from contracts.events.registry import (
    EMPLOYEE_DEFINED,
    POLICY_SET,
    PROMOTION_DEFINED,
    SKU_DEFINED,
    STORE_DEFINED,
    SUPPLIER_DEFINED,
)
from contracts.fields import Model
from contracts.records import LogRecord
from projections.facts import recorded_at
from projections.shared_records import event_of

MAPPING_VERSION: Final = 1
_NAMES: Final = {
    STORE_DEFINED: ("store", "store_id"),
    SKU_DEFINED: ("sku", "sku"),
    EMPLOYEE_DEFINED: ("employee", "employee_id"),
    SUPPLIER_DEFINED: ("supplier", "supplier_id"),
    PROMOTION_DEFINED: ("promotion", "promotion_id"),
}
"""Kind, and the field that names the thing."""
COVERED_TYPES: Final = frozenset({*_NAMES, POLICY_SET})


class ReferenceRow(NamedTuple):
    """A version, in the order of the table's columns."""

    event_id: UUID
    tenant_id: str
    kind: str
    name: str
    store_id: str | None
    version: int
    effective_from: datetime
    data: dict[str, Any]
    recorded_at: datetime


def reference_row(record: LogRecord) -> ReferenceRow:
    """Map a record; UnreadableRecord for what cannot be decoded."""
    event = event_of(record)
    data = event.data
    if not isinstance(data, Version):
        raise TypeError(f"{event.type} is no reference data")
    kind, name = _named(event.type, data)
    return ReferenceRow(
        event.id,
        event.envelope.tenant_id,
        kind,
        name,
        None if event.store_id == CHAIN_WIDE else event.store_id,
        data.version,
        data.effective_from,
        data.model_dump(mode="json", exclude_none=True),
        recorded_at(record),
    )


def _named(event_type: str, data: Model) -> tuple[str, str]:
    """A policy is named by its kind and what it narrows itself to: versions of the same scope follow each other."""
    if isinstance(data, PolicySet):
        return "policy", "/".join([data.parameters.policy, *(part for part in (data.scope_store_id, data.scope_sku) if part)])
    kind, field = _NAMES[event_type]
    return kind, str(getattr(data, field))
