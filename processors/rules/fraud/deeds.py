"""What the cashiers of a store did on one business date: receipts counted, and every refund, void and opening with its patterns. Pure.

It reads the rows of the day and asks for the sales that refunds name; what it returns does not depend on the order of rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from processors.rules.fraud import ledger
from processors.rules.fraud.ledger import DRAWER, RETURN, SALE, VOID, Link, Page, Place, Sale

MEASURES = (
    "cash refunds without proof",
    "other refunds without proof",
    "refunds",
    "voids minutes after a cash sale",
    "voids",
    "openings without a sale",
    "discounts by hand",
)
UNPROVEN_CASH, UNPROVEN, REFUND, QUICK_VOID, LATER_VOID, OPENING, DISCOUNT = range(7)
"""Cash apart: a refund to a card leaves a trace, and honest cashiers forget to name sales too."""

PATTERNS = (
    "refund without a source sale",
    "refund of a sale that is not there",
    "refund above what remained",
    "cash for a sale that was paid by card",
    "void minutes after a cash sale",
    "opening without a sale",
    "refund of an own sale",
    "amount just under the approval limit",
    "outside the hours of trade",
    "price below cost",
    "the same customer discounted again and again",
)
UNLINKED, MISSING, OVER, CASH_OF_CARD, AFTER_CASH, NO_SALE, OWN_SALE, JUST_UNDER, AFTER_HOURS, BELOW_COST, SAME_CUSTOMER = range(11)
_WITHOUT_PROOF = 1 << UNLINKED | 1 << MISSING | 1 << OVER | 1 << CASH_OF_CARD
_DISCOUNTS_NAMED, _SAME_CUSTOMER_FROM = 12, 3


class Deed(msgspec.Struct, frozen=True, array_like=True):
    """Something that gives money or goods back: `patterns` is a set of bits, `at` in seconds, `sale` the event it undoes."""

    event: bytes
    at: int
    cashier: str
    measure: int
    patterns: int
    amount: int
    sale: bytes = b""


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """How many receipts a cashier completed, what they came to, and how many deeds there were by measure."""

    cashier: str
    receipts: int
    taken: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the policy says about single deeds."""

    quick_void_seconds: int
    after_hours_seconds: int
    approval_limit: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of the sale that a link names: the sale, or whether it should be there; `refunded` before, minor units."""

    sale: Sale | None
    is_missing: bool
    refunded: int


@dataclass(frozen=True, slots=True)
class Row:
    """A return, void or opening as the page has it, with what it names."""

    event: bytes
    at: int
    amount: int
    cashier: str
    kind: int
    flags: int
    link: Link | None


def rows_of(page: Page) -> tuple[Row, ...]:
    """Return what undoes sales, and openings; those that count."""
    rows, links = ledger.table(page), {link.event: link for link in page.links}
    found = []
    for number in map(int, np.flatnonzero((rows["kind"] != SALE) & (rows["flags"] & ledger.COUNTS > 0))):
        row = rows[number]
        event = ledger.event_at(page, number)
        cashier = page.cashiers[int(row["cashier"])]
        found.append(Row(event, int(row["at"]), int(row["amount"]), cashier, int(row["kind"]), int(row["flags"]), links.get(event)))
    return tuple(found)


def summary(
    day_pages: Sequence[tuple[Place, Page]], terms: Terms, look_up: Callable[[Row], Found]
) -> tuple[tuple[Tally, ...], tuple[Deed, ...]]:
    """Return the tallies of a day by cashier, and its deeds in order of time."""
    sales = [(page, ledger.table(page)) for _, page in day_pages]
    hours = _hours(rows for _, rows in sales)
    deeds = [_deed(row, terms, look_up(row), hours) for _, page in day_pages for row in rows_of(page)]
    receipts: dict[str, tuple[int, int]] = {}
    given: list[tuple[str, int, bytes, Deed]] = []
    for page, rows in sales:
        counting = (rows["kind"] == SALE) & (rows["flags"] & ledger.COUNTS > 0)
        for number, cashier in enumerate(page.cashiers):
            own = counting & (rows["cashier"] == number)
            number_before, taken_before = receipts.get(cashier, (0, 0))
            receipts[cashier] = number_before + int(own.sum()), taken_before + int(rows["amount"][own].sum())
        given += _given(page, rows, counting)
    counts = {cashier: [0] * len(MEASURES) for cashier in receipts}
    for deed in deeds:
        counts[deed.cashier][deed.measure] += 1
    for cashier, _, _, _ in given:
        counts[cashier][DISCOUNT] += 1
    active = [cashier for cashier in sorted(receipts) if receipts[cashier][0] or any(counts[cashier])]
    tallies = tuple(Tally(cashier, *receipts[cashier], tuple(counts[cashier])) for cashier in active)
    return tallies, tuple(sorted([*deeds, *_discounts(given)], key=lambda deed: (deed.at, deed.event)))


def _hours(tables: Iterable[NDArray[Any]]) -> tuple[int, int]:
    """Return when the first and the last counting sale was."""
    times = [rows["at"][(rows["kind"] == SALE) & (rows["flags"] & ledger.COUNTS > 0)] for rows in tables]
    known = np.concatenate(times) if times else np.empty(0)
    return (int(known.min()), int(known.max())) if len(known) else (0, 2**63)


def _deed(row: Row, terms: Terms, found: Found, hours: tuple[int, int]) -> Deed:
    patterns = _bits(_patterns(row, terms, found, hours))
    return Deed(row.event, row.at, row.cashier, _measure(row, patterns), patterns, row.amount, found.sale.event if found.sale else b"")


def _measure(row: Row, patterns: int) -> int:
    if row.kind == DRAWER:
        return OPENING
    if row.kind == VOID:
        return QUICK_VOID if patterns & 1 << AFTER_CASH else LATER_VOID
    if not patterns & _WITHOUT_PROOF:
        return REFUND
    return UNPROVEN_CASH if row.flags & ledger.CASH else UNPROVEN


def _patterns(row: Row, terms: Terms, found: Found, hours: tuple[int, int]) -> Mapping[int, bool]:
    sale, limit = found.sale, terms.approval_limit
    is_refund, cash = row.kind == RETURN, bool(row.flags & ledger.CASH)
    of_card = bool(row.flags & ledger.OF_A_CARD) or (sale is not None and sale.flags & ledger.CARD and not sale.flags & ledger.CASH)
    return {
        NO_SALE: row.kind == DRAWER,
        UNLINKED: is_refund and row.link is None,
        MISSING: is_refund and found.is_missing and not row.flags & ledger.ELSEWHERE,
        OVER: is_refund and sale is not None and found.refunded + row.amount > sale.amount,
        CASH_OF_CARD: is_refund and cash and bool(of_card),
        AFTER_CASH: row.kind == VOID and sale is not None and _is_quick(row, sale, terms),
        OWN_SALE: is_refund and sale is not None and sale.cashier == row.cashier,
        JUST_UNDER: limit is not None and row.kind != DRAWER and 0.9 * limit <= row.amount < limit,
        AFTER_HOURS: not hours[0] - terms.after_hours_seconds <= row.at <= hours[1] + terms.after_hours_seconds,
    }


def _is_quick(void: Row, sale: Sale, terms: Terms) -> bool:
    return bool(sale.flags & ledger.CASH) and 0 <= void.at - sale.at <= terms.quick_void_seconds


def _bits(patterns: Mapping[int, bool]) -> int:
    return sum(1 << pattern for pattern, holds in patterns.items() if holds)


def _given(page: Page, rows: NDArray[Any], counting: NDArray[np.bool_]) -> list[tuple[str, int, bytes, Deed]]:
    found = []
    for number, amount, customer in ledger.discounts(page):
        if counting[number]:
            row = rows[number]
            cashier, event = page.cashiers[int(row["cashier"])], ledger.event_at(page, number)
            patterns = 1 << BELOW_COST if int(row["flags"]) & ledger.BELOW_COST else 0
            found.append((cashier, amount, customer, Deed(event, int(row["at"]), cashier, DISCOUNT, patterns, amount)))
    return found


def _discounts(given: Sequence[tuple[str, int, bytes, Deed]]) -> list[Deed]:
    """Return the discounts worth naming: below cost, to one customer again and again, and the largest of each cashier."""
    times: dict[tuple[str, bytes], int] = {}
    for cashier, _, customer, _ in given:
        if any(customer):
            times[cashier, customer] = times.get((cashier, customer), 0) + 1
    named: dict[str, list[Deed]] = {}
    for cashier, _, customer, deed in given:
        again = times.get((cashier, customer), 0) >= _SAME_CUSTOMER_FROM
        marked = msgspec.structs.replace(deed, patterns=deed.patterns | 1 << SAME_CUSTOMER) if again else deed
        named.setdefault(cashier, []).append(marked)
    kept = []
    for deeds in named.values():
        kept += sorted(deeds, key=lambda deed: (-deed.patterns, -deed.amount, deed.event))[:_DISCOUNTS_NAMED]
    return kept
