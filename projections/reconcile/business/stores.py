"""Which stores are in a scope, with the settings that the checks judge by."""

from projections.read_models.stores.reader import StoreSettings, store_settings
from projections.reconcile.checks import Connections, Scope


async def stores_of(connections: Connections, scope: Scope) -> dict[str, StoreSettings]:
    """Return the defined stores of a scope, by their id."""
    known = await store_settings(connections.engine)
    wanted = None if scope.store_ids is None else set(scope.store_ids)
    return {
        store_id: store
        for store_id, store in sorted(known.items())
        if (wanted is None or store_id in wanted) and scope.tenant_id in {None, store.tenant_id}
    }
