"""From a reference event to the row of its version; pure."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from contracts.events.reference import EmployeeDefined, SkuDefined, StoreDefined
from contracts.events.registry import EMPLOYEE_DEFINED, SKU_DEFINED, STORE_DEFINED
from contracts.records import LogRecord
from projections.shared_records import event_of

MAPPING_VERSION = 1
STORE_SCOPED_TYPES = frozenset({STORE_DEFINED, EMPLOYEE_DEFINED})
"""On both topics, under the same id."""
COVERED_TYPES = STORE_SCOPED_TYPES | {SKU_DEFINED}

TABLE_OF: Final = {STORE_DEFINED: "store_versions", EMPLOYEE_DEFINED: "employee_versions", SKU_DEFINED: "sku_versions"}
_VERSION: Final = ("event_id", "tenant_id", "version", "effective_from")
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "store_versions": (
        *_VERSION,
        "store_id",
        "name",
        "timezone",
        "currency",
        "country",
        "cut_off_hour",
        "region",
        "opened_on",
        "head_count",
        "tills",
    ),
    "employee_versions": (*_VERSION, "store_id", "employee_id", "status"),
    "sku_versions": (*_VERSION, "sku", "name", "unit", "pack_size", "category", "gtin"),
}


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A row of one of the tables, in the order of its columns; the event id comes first."""

    table: str
    values: tuple[object, ...]

    @property
    def event_id(self) -> UUID:
        """The event that defined the version."""
        found = self.values[0]
        if not isinstance(found, UUID):
            raise TypeError("a version begins with the id of its event")
        return found


def version_row(record: LogRecord) -> VersionRow:
    """Map a record; UnreadableRecord for what cannot be decoded."""
    event = event_of(record)
    data = event.data
    if not isinstance(data, StoreDefined | EmployeeDefined | SkuDefined):
        raise TypeError(f"{event.type} is not reference data of this model")
    table = TABLE_OF[event.type]
    found = {name: getattr(data, name) for name in COLUMNS[table] if name in type(data).model_fields}
    found |= {"event_id": event.id, "tenant_id": event.envelope.tenant_id}
    if isinstance(data, StoreDefined):
        found["tills"] = list(data.tills)
    return VersionRow(table, tuple(found[name] for name in COLUMNS[table]))
