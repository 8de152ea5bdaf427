"""Which tolerances hold in a store on a business date: the policy `reconciliation` in force when the date ends, the store's own first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.policies.reconciliation import ReconciliationPolicy
from projections.read_models.reference_data.reader import ReferenceAsked, ReferenceCursor, ReferenceVersion, read_reference_data
from projections.read_models.stores.reader import StoreSettings

_POLICY: Final = "reconciliation"
_PAGE: Final = 200
_DEFAULT: Final = ReconciliationPolicy()


class PolicyVersion(NamedTuple):
    """A version for one chain, or (`store_id`) for one store of it."""

    tenant_id: str
    store_id: str | None
    effective_from: datetime
    version: int
    parameters: ReconciliationPolicy


@dataclass(frozen=True, slots=True)
class Tolerances:
    """All versions of the policy."""

    versions: tuple[PolicyVersion, ...] = ()

    def at(self, store: StoreSettings, day: date) -> ReconciliationPolicy:
        """Return what holds in a store when a business date ends; the defaults where nobody set anything."""
        end = datetime.combine(day + timedelta(days=1), time(store.cut_off_hour), ZoneInfo(store.timezone))
        begun = [
            version
            for version in self.versions
            if version.tenant_id == store.tenant_id and version.store_id in {None, store.store_id} and version.effective_from <= end
        ]
        best = max(begun, key=lambda version: (version.store_id is not None, version.effective_from, version.version), default=None)
        return _DEFAULT if best is None else best.parameters


async def read_tolerances(engine: AsyncEngine, stores: Mapping[str, StoreSettings]) -> Tolerances:
    """Read the versions for these stores and their chains."""
    found: list[PolicyVersion] = []
    for tenant_id in sorted({store.tenant_id for store in stores.values()}):
        of_chain = tuple(store_id for store_id, store in stores.items() if store.tenant_id == tenant_id)
        asked = ReferenceAsked(tenant_id, of_chain, "policy")
        cursor: ReferenceCursor | None = ReferenceCursor(_POLICY, 0, UUID(int=0))
        while cursor is not None:
            page = await read_reference_data(engine, asked, cursor, _PAGE)
            found += _versions(tenant_id, page)
            more = len(page) == _PAGE and _is_ours(page[-1])
            cursor = page[-1].cursor if more else None
    return Tolerances(tuple(found))


def _versions(tenant_id: str, page: Sequence[ReferenceVersion]) -> Iterable[PolicyVersion]:
    for row in page:
        if _is_ours(row) and "scope_sku" not in row.data:
            parameters = ReconciliationPolicy.model_validate(row.data["parameters"])
            yield PolicyVersion(tenant_id, row.data.get("scope_store_id"), row.effective_from, row.version, parameters)


def _is_ours(row: ReferenceVersion) -> bool:
    return row.name.partition("/")[0] == _POLICY
