"""Does one receipt count twice? The same number of the same till on the same business date, under different event ids."""

from typing import Final

from projections.read_models.till_periods.receipts import ReceiptCursor, ReceiptTwice, read_receipts_twice
from projections.reconcile.business.stores import stores_of
from projections.reconcile.checks import CheckOutcome, Connections, Finding, Scope, Tally

NAME: Final = "receipts_twice"
_PAGE: Final = 500


def judge(twice: ReceiptTwice) -> Finding:
    """Name the events that bear one number. Nothing that comes later settles it: somebody must say which of them is wrong."""
    count = len(twice.events)
    till = f"till {twice.till_id}" if twice.till_id else "no till"
    return Finding(
        NAME,
        twice.store_id,
        twice.business_date,
        f"receipt {twice.receipt_id} of {till}",
        f"{count} events ({twice.type}) count under receipt number {twice.receipt_id} of {till}; expected 1",
        observed=count,
        expected=1,
        unit="events",
        event_ids=tuple(str(event.event_id) for event in reversed(twice.events)),
    )


class ReceiptsTwice:
    """The check `receipts_twice`."""

    name = NAME
    title = "No receipt number counts twice"

    async def run(self, connections: Connections, scope: Scope) -> CheckOutcome:
        """Read the numbers that several counting events bear; the model keeps a list of them, so nothing else is read."""
        tally = Tally()
        for store_id in await stores_of(connections, scope):
            tally.compared += 1
            cursor: ReceiptCursor | None = None
            while True:
                page = await read_receipts_twice(connections.engine, (store_id,), scope.date_from, scope.date_until, cursor, _PAGE)
                tally.add(judge(twice) for twice in page)
                if len(page) < _PAGE:
                    break
                cursor = page[-1].cursor
        return tally.outcome(self)
