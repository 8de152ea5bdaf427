"""Reference data held in state: settings of stores, people, SKUs, suppliers and promotions as they were in force at a time. Pure."""

from functools import lru_cache
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.reference import EmployeeDefined, PromotionDefined, SkuDefined, StoreDefined, SupplierDefined
from contracts.events.reference import Version as Content
from contracts.events.registry import EMPLOYEE_DEFINED, PROMOTION_DEFINED, SKU_DEFINED, STORE_DEFINED, SUPPLIER_DEFINED
from processors import versions
from processors.rules.rule import Kind, State, microseconds
from processors.versions import Version, Versions

REFERENCE = Kind("reference", Versions, 1, 5)
REFERENCE_TYPES = frozenset({STORE_DEFINED, EMPLOYEE_DEFINED, SKU_DEFINED, SUPPLIER_DEFINED, PROMOTION_DEFINED})
_UNKNOWN_ZONE = "UTC"

Read = TypeVar("Read", bound=Content)


class Promotions(State, frozen=True, array_like=True):
    """The versions of every promotion of a chain, the latest ones."""

    rows: tuple[tuple[str, Versions], ...] = ()


PROMOTIONS = Kind("promotions", Promotions, 1, 5)


def address(event: Event[Any]) -> tuple[Kind, str | None, str]:
    """Return the kind of state that a version belongs to, its store (None: the chain), and its name."""
    data, tenant = event.data, event.envelope.tenant_id
    if isinstance(data, StoreDefined):
        return REFERENCE, data.store_id, store_name()
    if isinstance(data, EmployeeDefined):
        return REFERENCE, data.store_id, employee_name(data.employee_id)
    if isinstance(data, SkuDefined):
        return REFERENCE, None, sku_name(tenant, data.sku)
    if isinstance(data, SupplierDefined):
        return REFERENCE, None, supplier_name(tenant, data.supplier_id)
    return PROMOTIONS, None, promotions_name(tenant)


def store_name() -> str:
    """Name the state of a store's own settings."""
    return "store"


def employee_name(employee: str) -> str:
    """Name the state of a person in a store."""
    return f"employee/{employee}"


def sku_name(tenant: str, sku: str) -> str:
    """Name the state of a SKU."""
    return f"{tenant}/sku/{sku}"


def supplier_name(tenant: str, supplier: str) -> str:
    """Name the state of a supplier."""
    return f"{tenant}/supplier/{supplier}"


def promotions_name(tenant: str) -> str:
    """Name the state of a chain's promotions."""
    return f"{tenant}/all"


def with_version(known: State | None, data: Content) -> State:
    """Add a version to what is held where it belongs."""
    if isinstance(data, StoreDefined):
        data = _with_a_zone(data)
    row = Version(microseconds(data.effective_from), data.version, data.model_dump_json(exclude_none=True))
    if not isinstance(data, PromotionDefined):
        return versions.with_version(known, row)
    rows = dict(known.rows) if isinstance(known, Promotions) else {}
    rows[data.promotion_id] = versions.with_version(rows.get(data.promotion_id), row)
    return Promotions(versions.latest(tuple(rows.items()), lambda item: versions.size_of(item[1])))


def _with_a_zone(data: StoreDefined) -> StoreDefined:
    """Return settings by which every rule can tell the time: a misspelt zone must cost neither the facts of a store nor a worker."""
    try:
        ZoneInfo(data.timezone)
    except (LookupError, ValueError, OSError):  # the last for a region such as Asia, which is a directory
        return data.model_copy(update={"timezone": _UNKNOWN_ZONE})
    return data


def in_force(known: State | None, model: type[Read], moment: int) -> Read | None:
    """Return the content in force at a time (Unix microseconds)."""
    row = versions.in_force(known, moment)
    return None if row is None else cast("Read", _read(model, row.content))


def newest(known: State | None, model: type[Read]) -> Read | None:
    """Return the content of the last version, whenever it comes into force."""
    rows = known.rows if isinstance(known, Versions) else ()
    return cast("Read", _read(model, rows[-1].content)) if rows else None


def promotions_at(known: State | None, store_id: str, moment: int) -> tuple[PromotionDefined, ...]:
    """Return the promotions that run in a store at a time."""
    if not isinstance(known, Promotions):
        return ()
    found = [in_force(rows, PromotionDefined, moment) for _, rows in known.rows]
    return tuple(each for each in found if each is not None and _runs(each, store_id, moment))


def _runs(promotion: PromotionDefined, store_id: str, moment: int) -> bool:
    here = not promotion.store_ids or store_id in promotion.store_ids or CHAIN_WIDE in promotion.store_ids
    return here and promotion.status == "planned" and microseconds(promotion.starts_at) <= moment < microseconds(promotion.ends_at)


@lru_cache(maxsize=50_000)
def _read(model: type[Content], text: str) -> Content:
    return model.model_validate_json(text)
