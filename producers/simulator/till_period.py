"""A till period and its Z report: what a till counts while it is open, as the till saw it."""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.events.sales import Receipt, SaleCompleted, SaleReturned, SaleVoided
from contracts.events.till import TenderTotal, TillClosed
from contracts.tenders import TenderKind
from producers.simulator.unchecked import unchecked


@dataclass(slots=True)
class Tendered:
    """What came in and went out in one kind of tender."""

    count: int = 0
    amount: int = 0


@dataclass(slots=True)
class TillPeriod:
    """Everything that a Z report says, added up receipt by receipt. It counts what was lost on the way, too."""

    till_id: str
    period_id: str
    opened_at: datetime
    currency: str
    float_amount: int
    sales: int = 0
    returns: int = 0
    voids: int = 0
    no_sales: int = 0
    gross: int = 0
    discounts: int = 0
    returned: int = 0
    voided: int = 0
    tax: int = 0
    moved_cash: int = 0
    first: str | None = None
    last: str | None = None
    tenders: dict[TenderKind, Tendered] = field(default_factory=dict)

    def take(self, receipt: Receipt) -> None:
        """Count a receipt; only completed ones, returns, and voids after completion count."""
        if isinstance(receipt, SaleCompleted):
            self.sales += 1
            self.first, self.last = self.first or receipt.receipt_id, receipt.receipt_id
        elif isinstance(receipt, SaleReturned):
            self.returns += 1
        elif isinstance(receipt, SaleVoided) and receipt.phase == "after_completion":
            self.voids += 1
        else:
            return
        self._lines(receipt)
        sign = 1 if isinstance(receipt, SaleCompleted) else -1
        for tender in receipt.tenders:
            total = self.tenders.setdefault(tender.kind, Tendered())
            total.count += 1
            total.amount += sign * (tender.amount - tender.change - tender.tip)

    def _lines(self, receipt: Receipt) -> None:
        for line in receipt.lines:
            if line.kind == "service":
                continue
            if line.kind == "return" or isinstance(receipt, SaleReturned):
                self.returned += line.gross - line.discount
                self.tax -= line.tax
            elif isinstance(receipt, SaleVoided):
                self.voided += line.gross - line.discount
                self.tax -= line.tax
            else:
                self.gross += line.gross
                self.discounts += line.discount
                self.tax += line.tax

    def report(self, employee_id: str, miscounted: int) -> TillClosed:
        """Return the Z report; the count of the drawer differs by what was miscounted."""
        cash = self.tenders["cash"].amount if "cash" in self.tenders else 0
        expected = self.float_amount + cash + self.moved_cash
        return unchecked(
            TillClosed,
            till_id=self.till_id,
            period_id=self.period_id,
            opened_at=self.opened_at,
            currency=self.currency,
            sales_count=self.sales,
            returns_count=self.returns,
            voids_count=self.voids,
            no_sales_count=self.no_sales,
            gross=self.gross,
            discounts=self.discounts,
            returns=self.returned,
            voids=self.voided,
            tax=self.tax,
            tenders=tuple(
                unchecked(TenderTotal, kind=kind, count=total.count, amount=total.amount) for kind, total in sorted(self.tenders.items())
            ),
            expected_cash=expected,
            counted_cash=max(0, expected + miscounted),
            first_receipt_id=self.first,
            last_receipt_id=self.last,
            employee_id=employee_id,
        )
