"""Is there a sale for what came back, and was there enough of it? Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from contracts.events.registry import SALE_COMPLETED, SALE_VOIDED
from contracts.money import told_money
from projections.reconcile.business.links import Link
from projections.reconcile.checks import Finding

NAME: Final = "orphan_refunds"


class Back(NamedTuple):
    """A return, or a void after completion. `quantities` by SKU; `amount` with tax, minor units; `position` orders those of a date."""

    store_id: str
    business_date: date
    event_id: UUID
    event_type: str
    receipt_id: str
    currency: str
    partition: int
    position: int
    is_correction: bool
    lines: int
    quantities: Mapping[str, Decimal]
    amount: int

    @property
    def word(self) -> str:
        """What it is, in a word."""
        return "void" if self.event_type == SALE_VOIDED else "return"


class Sold(NamedTuple):
    """The event that a link names, as it counts now: corrected content in place of its own, nothing where it was taken back."""

    event_id: UUID
    event_type: str
    receipt_id: str
    quantities: Mapping[str, Decimal]
    amount: int


def judge_unknown(back: Back, link: Link, *, is_settled: bool) -> Finding:
    """Name a return or void whose sale is not there."""
    named = f"event {link.event_id}" if link.event_id else f"receipt {link.receipt_id}"
    text = f"{back.word} {back.receipt_id} names {named} of {link.store_id}, which did not come; 0 sales found, 1 expected"
    return _finding(back, text, 0, 1, "sales", (str(back.event_id),), is_provisional=not is_settled)


def judge_sale(sold: Sold, backs: Sequence[Back], asked: frozenset[UUID]) -> Iterator[Finding]:
    """Judge what came back of one sale, in the order in which it came; findings only for those asked about.

    A return that names a return is wrong by itself. Quantities must not exceed the sale's, SKU by SKU; nor the amount, but for a
    minor unit a line.
    """
    taken: dict[str, Decimal] = {}
    paid = 0
    before: list[str] = []
    for back in sorted(backs, key=lambda each: (each.business_date, each.partition, each.position)):
        for sku, quantity in back.quantities.items():
            taken[sku] = taken.get(sku, Decimal(0)) + quantity
        paid += back.amount
        if back.event_id in asked:
            yield from _judge(sold, back, taken, paid, before)
        before.append(str(back.event_id))


def _judge(sold: Sold, back: Back, taken: Mapping[str, Decimal], paid: int, before: Sequence[str]) -> Iterator[Finding]:
    events = (str(back.event_id), *before, str(sold.event_id))
    if sold.event_type != SALE_COMPLETED:
        text = f"{back.word} {back.receipt_id} names {sold.event_id}, which is {sold.event_type}; a sale was expected"
        yield _finding(back, text, 0, 1, "sales", events)
        return
    for sku in sorted(back.quantities):
        had, came = sold.quantities.get(sku, Decimal(0)), taken[sku]
        if came > had:
            text = (
                f"{back.word} {back.receipt_id} of SKU {sku}: {came.normalize():f} units came back of the sale {sold.receipt_id},"
                f" which sold {had.normalize():f}"
            )
            yield _finding(back, text, came, had, "units", events)
            return
    if paid > sold.amount + back.lines:
        text = (
            f"{back.word} {back.receipt_id}: {told_money(paid, back.currency)} went back of the sale"
            f" {sold.receipt_id}, which came to {told_money(sold.amount, back.currency)}"
        )
        yield _finding(back, text, paid, sold.amount, back.currency, events)


def _finding(
    back: Back,
    text: str,
    observed: Decimal | int,
    expected: Decimal | int,
    unit: str,
    events: tuple[str, ...],
    *,
    is_provisional: bool = False,
) -> Finding:
    subject = f"{back.word} {back.receipt_id}"
    return Finding(NAME, back.store_id, back.business_date, subject, text, observed, expected, unit, events, is_provisional)
