"""The lines and payments of one Toast check. Toast says amounts in major units, a selection's with its modifiers. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from producers.sources.payload import Node
from producers.sources.vendor import Connection, StoreAt
from producers.sources.vendor_receipts import Lines, minor

_TENDERS: Final = {
    "CASH": "cash",
    "CREDIT": "card",
    "GIFTCARD": "gift_card",
    "HOUSE_ACCOUNT": "house_account",
    "REWARDCARD": "points",
    "LEVELUP": "mobile",
}


def check_lines(check: Node, connection: Connection, store: StoreAt, with_voided: bool) -> Lines:
    """Return selections and service charges as lines; a check's own discounts are spread over its selections."""
    currency = store.currency
    lines = Lines(currency, connection.sku)
    selections = [row for row in check.items("selections") if with_voided or not row.flag("voided")]
    prices = [minor(row.at("price"), currency) for row in selections]
    charges = [row for row in check.items("appliedServiceCharges") if row.has("chargeAmount")]
    charged = sum(minor(row.at("chargeAmount"), currency) for row in charges)
    of_check = sum(minor(row.at("discountAmount"), currency) for row in check.items("appliedDiscounts") if row.has("discountAmount"))
    unspread = sum(prices) + charged - (minor(check.at("amount"), currency) if check.has("amount") else 0)
    is_apart = not with_voided and of_check > 0 and abs(unspread - of_check) <= len(prices)
    for row, price, share in zip(selections, prices, spread(of_check if is_apart else 0, prices), strict=True):
        _selection(lines, row, price - share, currency)
    for row in charges:
        lines.add(
            row,
            minor(row.at("chargeAmount"), currency),
            Decimal(1),
            kind="service",
            article="SERVICE-CHARGE",
            description=row.text_or_none("name"),
            tax=_taxes(row, currency),
        )
    return lines


def _selection(lines: Lines, row: Node, price: int, currency: str) -> None:
    gross = minor(row.at("preDiscountPrice"), currency) if row.has("preDiscountPrice") else price
    lines.add(
        row,
        gross,
        row.decimal("quantity"),
        kind="service" if row.flag("deferred") else "item",
        article=row.text_or_none("item", "guid"),
        description=row.text_or_none("displayName"),
        discount=gross - price,
        tax=minor(row.at("tax"), currency) if row.has("tax") else _taxes(row, currency),
        tax_included=row.text_or_none("taxInclusion") == "INCLUDED",
    )


def _taxes(row: Node, currency: str) -> int:
    return sum(minor(tax.at("taxAmount"), currency) for tax in row.items("appliedTaxes") if tax.has("taxAmount"))


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount in proportion to weights, in whole units that sum up to it."""
    total, shares, given, seen = sum(weights), [], 0, 0
    for weight in weights:
        seen += weight
        upto = amount * seen // total if total else 0
        shares.append(upto - given)
        given = upto
    return shares


def payment_tender(row: Node, currency: str) -> dict[str, Any]:
    """Return a payment as a tender: with the tip, and for cash with what was handed over and given back."""
    amount = minor(row.at("amount"), currency)
    tip = minor(row.at("tipAmount"), currency) if row.has("tipAmount") else 0
    handed_over = minor(row.at("amountTendered"), currency) if row.has("amountTendered") else 0
    change = max(handed_over - amount - tip, 0)
    kind = _TENDERS.get(row.text_or_none("type") or "", "other")
    return {"kind": kind, "amount": amount + tip + change, "change": change, "tip": tip}
