"""What the API knows of the stores, kept a few seconds fresh: zone and cut-off for the edge, chain for the scope, names for answers."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.errors import ApiError
from infra.clock import monotonic_seconds
from projections.read_models.stores.reader import StoreSettings, count_versions, store_settings

_log = structlog.get_logger(__name__)
_MISS_SECONDS = 0.25


class StoreDirectory:
    """A cache of the `stores` read model, refreshed in the background and, for a store it does not know, at once."""

    def __init__(self, engine: AsyncEngine, refresh_seconds: float) -> None:
        self._engine = engine
        self._refresh_seconds = refresh_seconds
        self._known: Mapping[str, StoreSettings] | None = None
        self._tenants: Mapping[str, str] = {}
        self._versions = -1
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._loading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to refresh; returns at once."""
        self._task = asyncio.create_task(self._run(), name="store-directory")

    async def close(self) -> None:
        """Stop refreshing."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def is_loaded(self) -> bool:
        """Tell whether the settings have been read at least once."""
        return self._known is not None

    def known(self) -> Mapping[str, StoreSettings]:
        """Return all stores as last read; 503 before the first reading."""
        if self._known is None:
            raise ApiError("stores_unknown", "the settings of the stores have not been read yet")
        return self._known

    def tenants(self) -> Mapping[str, str]:
        """Return the chain of every store as last read."""
        self.known()
        return self._tenants

    async def tenants_now(self) -> Mapping[str, str]:
        """Return the chain of every store that the read model knows by now; 503 while Postgres does not say."""
        asked_at = monotonic_seconds()
        try:
            count = await count_versions(self._engine)
        except (SQLAlchemyError, OSError) as error:
            raise ApiError("read_model_unavailable", "Postgres does not answer") from error
        if count != self._versions:
            await self._refresh()
            if self._read_at < asked_at:
                raise ApiError("stores_unknown", "the settings of the stores could not be read")
        return self.tenants()

    async def including(self, store_ids: set[str]) -> Mapping[str, StoreSettings]:
        """Return all stores, read again when one of these is missing (at most a few times a second)."""
        known = self._known or {}
        if not store_ids <= known.keys() and monotonic_seconds() - self._tried_at > _MISS_SECONDS:
            await self._refresh()
        return self.known()

    async def _refresh(self) -> None:
        asked_at = monotonic_seconds()
        async with self._loading:
            if self._tried_at >= asked_at:
                return
            self._tried_at = monotonic_seconds()
            try:
                count = await count_versions(self._engine)  # before the rows: at worst they are read once more
                known = await store_settings(self._engine)
                self._known, self._tenants = known, {store_id: store.tenant_id for store_id, store in known.items()}
                self._versions, self._read_at = count, self._tried_at
            except Exception as error:  # noqa: BLE001 - what was known stays good while Postgres is away
                _log.warning("stores_not_read", error=repr(error))

    async def _run(self) -> None:
        while True:
            await self._refresh()
            await asyncio.sleep(self._refresh_seconds if self.is_loaded else _MISS_SECONDS)
