"""The API's own way to the log, for an operator at the command line: the same stores, the same judge, the same publisher."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from api.config import Limits
from api.edge.acceptance import Edge
from api.edge.repeats import RepeatIndex
from api.store_directory import StoreDirectory
from infra.addresses import Addresses
from infra.kafka.publisher import Publisher
from infra.postgres.engine import async_engine


@asynccontextmanager
async def operators_edge(addresses: Addresses) -> AsyncIterator[tuple[AsyncEngine, Edge, StoreDirectory]]:
    """Open everything that accepting a single event needs while the body runs."""
    limits = Limits()
    engine = async_engine(addresses.postgres_dsn, "tillstream-operator", pool_size=2)
    try:
        stores = StoreDirectory(engine, limits.stores_refresh_seconds)
        await stores.tenants_now()
        publishing = Publisher(addresses.kafka_bootstrap, "tillstream-operator", addresses.topic_prefix)
        async with publishing as publisher, RepeatIndex(engine) as index:
            yield engine, Edge(index.look_up, publisher.publish, limits.publish_timeout_seconds, lambda _: None), stores
    finally:
        await engine.dispose()
