"""What an API process holds open: the log, the two stores, caches and gates. Opened by the app's lifespan, nowhere else."""

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.alert_feed import AlertFeed
from api.config import ApiConfig
from api.consumer_watch import ConsumerWatch
from api.edge.refusals import Refusals
from api.edge.repeats import RepeatIndex
from api.errors import ApiError
from api.gates import Gate
from api.log_connection import LogConnection
from api.metrics import Metrics
from api.quarantine_watch import QuarantineWatch
from api.security.tokens import TokenReader
from api.store_directory import StoreDirectory
from infra.clickhouse.client import async_reader
from infra.postgres.engine import async_engine
from producers.quarantine import PostgresQuarantine

_log = structlog.get_logger(__name__)
_PROBE_SECONDS = 2.0


class Resources:
    """Everything that routes share within a process."""

    def __init__(self, config: ApiConfig) -> None:
        limits = config.limits
        self.config = config
        engine = async_engine(config.addresses.postgres_dsn, "tillstream-api", pool_size=10)
        self.transactions: AsyncEngine = engine
        # Reads are one statement at a time: a transaction around each would cost two more round trips.
        self.engine: AsyncEngine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.tokens = TokenReader(config.signing_key)
        self.log = LogConnection(config)
        self.alerts = AlertFeed(config, self.log)
        self.stores = StoreDirectory(self.engine, limits.stores_refresh_seconds)
        self.repeats = RepeatIndex(self.engine)
        self.posts = Gate("posts of events", limits.posts_in_flight)
        self.queries = Gate("queries", limits.queries_in_flight)
        self.streams = Gate("alert streams", limits.streams)
        self.metrics = Metrics()
        self.refusals = Refusals(PostgresQuarantine(engine), self.metrics.refusals)
        self.quarantine = QuarantineWatch(engine, self.metrics)
        self.consumers = ConsumerWatch(self.engine, self.log, self.metrics)
        self._clickhouse: Any = None
        self._connecting = asyncio.Lock()

    async def open(self) -> None:
        """Begin to connect to everything; readiness says when it is done."""
        await self.log.start()
        await self.alerts.start()
        await self.stores.start()
        await self.quarantine.start()
        await self.consumers.start()

    async def close(self) -> None:
        """Close everything, streams first."""
        await self.alerts.close()
        await self.stores.close()
        await self.consumers.close()
        await self.log.close()
        await self.refusals.close()
        await self.quarantine.close()
        if self._clickhouse is not None:
            await self._clickhouse.close()
        await self.repeats.close()
        await self.engine.dispose()

    async def clickhouse(self) -> Any:
        """Return the client for queries, connected on first use; 503 while ClickHouse does not answer."""
        async with self._connecting:
            if self._clickhouse is None:
                try:
                    self._clickhouse = await async_reader(self.config.addresses.clickhouse_url)
                except Exception as error:
                    raise ApiError("read_model_unavailable", "ClickHouse does not answer") from error
        return self._clickhouse

    async def missing(self) -> list[str]:
        """Name the parts that are not ready; each is asked for at most two seconds."""
        asked = await asyncio.gather(self._postgres_answers(), self._clickhouse_answers(), self._log_answers())
        states = dict(zip(("postgres", "clickhouse", "kafka"), asked, strict=True))
        states["alert_stream"] = self.alerts.is_reading
        states["stores"] = self.stores.is_loaded
        return [name for name, is_ready in states.items() if not is_ready]

    async def _postgres_answers(self) -> bool:
        with suppress(SQLAlchemyError, TimeoutError, OSError):
            async with asyncio.timeout(_PROBE_SECONDS), self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
                return True
        return False

    async def _clickhouse_answers(self) -> bool:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await (await self.clickhouse()).query("SELECT 1")
                return True
        except Exception as error:  # noqa: BLE001 - a probe: whatever the driver raises means that the part is not ready
            _log.info("clickhouse_not_ready", error=repr(error))
            return False

    async def _log_answers(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PROBE_SECONDS):
                return self.log.is_connected and await self.log.ends() is not None
        return False
