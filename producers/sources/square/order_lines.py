"""The lines, tenders and taxes of one Square order, sold or returned. Square says the amount of each line itself. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from contracts.money import to_major
from producers.sources.payload import Node, same_currency
from producers.sources.vendor_receipts import Lines, is_tax_included

_TENDERS = {
    "CARD": "card",
    "CASH": "cash",
    "SQUARE_GIFT_CARD": "gift_card",
    "WALLET": "mobile",
    "BUY_NOW_PAY_LATER": "mobile",
    "BANK_ACCOUNT": "transfer",
}


def money(node: Node, currency: str, *path: str) -> int:
    """Return a Money member in minor units, 0 where it is missing; refused in another currency than the store's."""
    found = node.at(*path)
    if found.value is None:
        return 0
    same_currency(found.at("currency"), found.text("currency"), currency)
    return found.whole("amount")


def sold_line(lines: Lines, item: Node, currency: str) -> None:
    """Add a line that was sold; a gift card sold is a service."""
    kind = "service" if item.text_or_none("item_type") == "GIFT_CARD" else "item"
    _line(lines, item, currency, "gross_sales_money", kind)


def returned_lines(lines: Lines, back: Node, currency: str, kind: str) -> None:
    """Add what came back; a contract's exchange has no place for a service charge that is paid back."""
    for item in back.items("return_line_items"):
        _line(lines, item, currency, "gross_return_money", kind)
    for item in back.items("return_service_charges"):
        if kind == "return":
            raise item.refused("not_expressible", "an exchange without returned service charges")
        service_charge(lines, item, currency)


def _line(lines: Lines, item: Node, currency: str, gross_name: str, kind: str) -> None:
    gross, discount = money(item, currency, gross_name), money(item, currency, "total_discount_money")
    tax, due = money(item, currency, "total_tax_money"), money(item, currency, "total_money")
    lines.add(
        item,
        gross,
        item.decimal("quantity"),
        to_major(money(item, currency, "base_price_money"), currency),
        kind=kind,
        article=item.text_or_none("catalog_object_id"),
        description=item.text_or_none("name"),
        discount=discount,
        tax=tax,
        tax_included=is_tax_included(gross, discount, tax, due),
    )


def service_charge(lines: Lines, item: Node, currency: str) -> None:
    """Service charges are lines of kind 'service', with the tax on them."""
    amount = money(item, currency, "applied_money") or money(item, currency, "amount_money")
    lines.add(
        item,
        amount,
        Decimal(1),
        kind="service",
        article=item.text_or_none("catalog_object_id") or "SERVICE-CHARGE",
        description=item.text_or_none("name"),
        tax=money(item, currency, "total_tax_money"),
    )


def tender_of(row: Node, currency: str) -> dict[str, Any]:
    """Return a tender; for cash with what was handed over and given back."""
    amount, tip = money(row, currency, "amount_money"), money(row, currency, "tip_money")
    cash = row.at("cash_details")
    if cash.has("buyer_tendered_money"):
        back = money(cash, currency, "change_back_money")
        return {"kind": "cash", "amount": money(cash, currency, "buyer_tendered_money"), "change": back, "tip": tip}
    return {"kind": _TENDERS.get(row.text("type"), "other"), "amount": amount, "tip": tip}


def refund_of(row: Node, currency: str) -> dict[str, Any]:
    """Return what was paid back; Square names the tender of the sale, not its kind."""
    return {"kind": "other", "amount": money(row, currency, "amount_money")}


def taxes_of(order: Node, currency: str) -> Iterator[dict[str, Any]]:
    """Tell the tax by rate where Square says what it is on: an amount of tax and its percentage."""
    for row in order.items("taxes"):
        amount, rate = money(row, currency, "applied_money"), row.decimal("percentage") if row.has("percentage") else None
        if amount > 0 and rate is not None and rate > 0:
            yield {"rate": rate, "taxable": int((Decimal(amount) * 100 / rate).to_integral_value()), "amount": amount}
