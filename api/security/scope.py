"""Which stores a caller may see: the answer is an argument of every query, and always a list."""

from collections.abc import Mapping, Sequence

from api.errors import ApiError
from api.security.caller import EVERY_STORE, Caller


class StoreScope:
    """The stores of one caller. `tenants` maps every known store to its chain; a store that is not in it is nobody's."""

    def __init__(self, caller: Caller, tenants: Mapping[str, str]) -> None:
        self._tenant_id = caller.tenant_id
        self._tenants = tenants
        self._named: frozenset[str] | None = None if caller.stores == (EVERY_STORE,) else frozenset(caller.stores)

    def names(self, store_id: str) -> bool:
        """Tell whether the token reaches a store, should it be of the caller's chain."""
        return self._named is None or store_id in self._named

    def chain(self) -> tuple[str, ...]:
        """Return all stores of the caller's chain, also those that the caller may not see: goods come from them."""
        return tuple(sorted(store_id for store_id, tenant_id in self._tenants.items() if tenant_id == self._tenant_id))

    @property
    def tenant_id(self) -> str:
        """The caller's chain."""
        return self._tenant_id

    def covers(self, store_id: str) -> bool:
        """Tell whether a store is in the scope; one of another chain, or of none that is known, never is."""
        return self.names(store_id) and self._tenants.get(store_id) == self._tenant_id

    def covers_event(self, tenant_id: str, store_id: str) -> bool:
        """Tell whether an event that says whose it is concerns the caller, known store or not."""
        return tenant_id == self._tenant_id and self.names(store_id)

    def store_ids(self, requested: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the stores that a query is limited to; 403 for a requested store outside the scope."""
        outside = sorted(store_id for store_id in set(requested) if not self.covers(store_id))
        if outside:
            raise ApiError("store_out_of_scope", f"not among the stores of this token: {', '.join(outside[:5])}")
        if requested:
            return tuple(sorted(set(requested)))
        candidates = self._tenants if self._named is None else self._named
        return tuple(sorted(store_id for store_id in candidates if self.covers(store_id)))
