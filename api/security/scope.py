"""Which stores a caller may see: the answer is an argument of every query."""

from collections.abc import Mapping, Sequence

from api.errors import ApiError
from api.security.caller import EVERY_STORE, Caller


class StoreScope:
    """The stores of one caller. `tenants` maps every known store to its chain."""

    def __init__(self, caller: Caller, tenants: Mapping[str, str]) -> None:
        self._tenant_id = caller.tenant_id
        self._tenants = tenants
        self._named: frozenset[str] | None = None if caller.stores == (EVERY_STORE,) else frozenset(caller.stores)

    def covers(self, store_id: str) -> bool:
        """Tell whether a store is in the scope; a store of another chain never is."""
        if self._tenants.get(store_id, self._tenant_id) != self._tenant_id:
            return False
        return self._named is None or store_id in self._named

    def store_ids(self, requested: Sequence[str] = ()) -> tuple[str, ...] | None:
        """Return the stores that a query is limited to, None for no limit; 403 for a requested store outside the scope."""
        outside = sorted(store_id for store_id in set(requested) if not self.covers(store_id))
        if outside:
            raise ApiError("store_out_of_scope", f"not among the stores of this token: {', '.join(outside[:5])}")
        if requested:
            return tuple(sorted(set(requested)))
        if self._named is not None:
            return tuple(sorted(store_id for store_id in self._named if self.covers(store_id)))
        if all(tenant == self._tenant_id for tenant in self._tenants.values()):
            return None
        return tuple(sorted(store_id for store_id in self._tenants if self.covers(store_id)))
