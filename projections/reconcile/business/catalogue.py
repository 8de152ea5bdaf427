"""Every check of the business, and the one way to run them: a check that cannot look is a verdict, never an exception."""

from collections.abc import Sequence
from typing import Final

from aiohttp import ClientError
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from sqlalchemy.exc import SQLAlchemyError

from projections.reconcile.business.gaps import SequenceGaps
from projections.reconcile.business.orphans import OrphanRefunds
from projections.reconcile.business.receipts_twice import ReceiptsTwice
from projections.reconcile.business.stock import StockLedger
from projections.reconcile.business.tenders import Tenders
from projections.reconcile.business.z_reports import ZReports
from projections.reconcile.checks import BusinessCheck, CheckOutcome, Connections, Scope

CHECKS: Final[tuple[BusinessCheck, ...]] = (ZReports(), Tenders(), StockLedger(), OrphanRefunds(), SequenceGaps(), ReceiptsTwice())

_UNREACHABLE: Final = (SQLAlchemyError, ClickHouseError, ClientError, OSError, TimeoutError)


async def run_checks(connections: Connections, scope: Scope, checks: Sequence[BusinessCheck] = CHECKS) -> list[CheckOutcome]:
    """Run checks one after the other; it raises nothing but cancellation."""
    return [await _run(check, connections, scope) for check in checks]


async def _run(check: BusinessCheck, connections: Connections, scope: Scope) -> CheckOutcome:
    try:
        return await check.run(connections, scope)
    except _UNREACHABLE as error:
        return CheckOutcome(check.name, check.title, "UNVERIFIED", 0, reasons=(repr(error)[:500],))
    except Exception as error:  # noqa: BLE001 - the outermost loop of the checks: a fault of one of them is a verdict of its own
        return CheckOutcome(check.name, check.title, "CHECK_ERROR", 0, reasons=(repr(error)[:500],))
