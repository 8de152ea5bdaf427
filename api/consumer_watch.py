"""Watches the consumers from within the API: accounts, dead letters, lag and halts as metrics, once a minute.

Every process of the API reads the same tables: of equal metrics take the maximum, not the sum.
"""

import asyncio
from contextlib import suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.log_connection import LogConnection
from api.metrics import Metrics
from infra.clock import utc_now
from projections.accounting import AccountingRow, check_accounting
from projections.consumers import read_fares
from projections.letter_reader import count_letters
from projections.reconciliations import Reconciliation, last_run

_log = structlog.get_logger(__name__)
_TURN_SECONDS = 60.0
_OUTCOMES = ("applied", "repeats", "filtered", "control", "dead")


class ConsumerWatch:
    """One turn a minute."""

    def __init__(self, engine: AsyncEngine, log: LogConnection, metrics: Metrics) -> None:
        self._engine = engine
        self._log_connection = log
        self._metrics = metrics
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch; returns at once."""
        self._task = asyncio.create_task(self._run(), name="consumer-watch")

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def turn(self) -> None:
        """Look once; a Postgres that is away is asked again, and the metrics stay as they were."""
        try:
            accounts = await check_accounting(self._engine, await self._log_connection.ends())
            letters = await count_letters(self._engine)
            fares = await read_fares(self._engine, sorted({row.projection for row in accounts}))
            reconciled = await last_run(self._engine)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("consumers_not_watched", error=repr(error))
            return
        self._tell_accounts([row for row in accounts if row.serving])
        self._metrics.dead_letters.clear()
        for count in letters:
            self._metrics.dead_letters.labels(count.projection, count.reason, count.disposition).set(count.letters)
        for name, fare in fares.items():
            self._metrics.consumer_halted.labels(name).set(fare.state == "halted")

        self._tell_reconciliation(reconciled)

    def _tell_reconciliation(self, run: Reconciliation | None) -> None:
        if run is None or run.holds_since is None:
            return
        self._metrics.reconciliation_verdict.clear()
        for about, verdict in (("read_models", run.verdict), ("business", run.business_verdict)):
            if verdict is not None:
                self._metrics.reconciliation_verdict.labels(about, verdict).set(1)
        self._metrics.reconciliation_age.set((utc_now() - run.holds_since).total_seconds())

    def _tell_accounts(self, rows: list[AccountingRow]) -> None:
        for gauge in (self._metrics.records, self._metrics.unread, self._metrics.accounting_problems):
            gauge.clear()
        for row in rows:
            for outcome in _OUTCOMES:
                self._metrics.records.labels(row.projection, outcome).inc(getattr(row.tally, outcome))
            self._metrics.accounting_problems.labels(row.projection).inc(not row.ok)
            if row.unread is not None:
                self._metrics.unread.labels(row.projection).inc(row.unread)
            if row.problem is not None:
                _log.error("accounts_do_not_tile", projection=row.projection, partition=f"{row.topic}/{row.part}", problem=row.problem)

    async def _run(self) -> None:
        while True:
            await self.turn()
            await asyncio.sleep(_TURN_SECONDS)
