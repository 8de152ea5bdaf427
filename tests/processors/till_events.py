"""What cashiers do, as the tests of the fraud rules write it: receipts, refunds, voids, drawer openings and punches."""

from datetime import datetime
from typing import Any

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.registry import (
    CLOCKED_OUT,
    DRAWER_OPENED,
    POLICY_SET,
    SALE_COMPLETED,
    SALE_RETURNED,
    SALE_VOIDED,
)
from processors.fold import Fold
from processors.rules.cashier_ledger import CashierLedger
from processors.rules.rule import Rule
from processors.rules.till_off_shift import TillOffShift
from processors.rules.void_refund_fraud import VoidRefundFraud
from tests.processors.events import at, event, log_of
from tests.processors.oracle import Replica, alerts

DAY = 24 * 60


def rung(
    name: str, when: datetime, cashier: str = "ana", amount: int = 1000, tender: str = "cash", discount: int = 0, **more: Any
) -> Event[Any]:
    """Complete a sale."""
    return event(SALE_COMPLETED, name, when, receipt(name, cashier, amount, tender, discount=discount, **more))


def refunded(
    name: str, when: datetime, cashier: str = "ana", amount: int = 1000, tender: str = "cash", of: str | None = None, **more: Any
) -> Event[Any]:
    """Pay a receipt back; without `of` it names no sale."""
    content = receipt(name, cashier, amount, tender, **more)
    return event(SALE_RETURNED, name, when, {**content, **({"original_receipt_id": of} if of else {})})


def voided(name: str, when: datetime, sale: Event[Any], cashier: str = "ana") -> Event[Any]:
    """Void a completed sale under its own number."""
    amount, tender = sale.data.total, sale.data.tenders[0].kind
    content = receipt(sale.data.receipt_id, cashier, amount, tender, phase="after_completion", voided_event_id=sale.id)
    return event(SALE_VOIDED, name, when, content)


def opened(name: str, when: datetime, cashier: str = "ana") -> Event[Any]:
    """Open the drawer without a sale."""
    return event(DRAWER_OPENED, name, when, {"till_id": "1", "employee_id": cashier})


def clocked_out(name: str, when: datetime, employee: str = "ana") -> Event[Any]:
    """Clock out."""
    return event(CLOCKED_OUT, name, when, {"employee_id": employee})


def receipt(name: str, cashier: str, amount: int, tender: str, discount: int = 0, **more: Any) -> dict[str, Any]:
    """Write the content of a receipt of one line."""
    price = f"{(amount + discount) / 100:.2f}"
    line = {"line": 1, "sku": "MILK", "quantity": "1", "unit_price": price, "gross": amount + discount, "discount": discount}
    return {
        "receipt_id": name,
        "currency": "GBP",
        "lines": [line],
        "employee_id": cashier,
        "total": amount,
        "tenders": [{"kind": tender, "amount": amount}],
        **more,
    }


def policy(name: str, **parameters: Any) -> Event[Any]:
    """Set a policy of the chain."""
    data = {"version": 1, "effective_from": at(-600), "parameters": {"policy": name, **parameters}}
    return event(POLICY_SET, f"policy/{name}", at(-600), data, CHAIN_WIDE)


def rules() -> tuple[Rule, ...]:
    """Return the rules about cashiers."""
    return CashierLedger(), VoidRefundFraud(), TillOffShift()


def replica(*story: Event[Any], of: tuple[Rule, ...] | None = None) -> Replica:
    """Fold a story with the rules about cashiers."""
    made = Replica(Fold(of or rules()))
    made.apply(log_of(*story))
    return made


def standing(made: Replica, rule: str) -> dict[Any, Any]:
    """Return what stands of a rule in the end, as people see it: without how often it changed on the way."""
    rows = [row for row in alerts(made.derived).values() if row.rule == rule and row.status != "retracted"]
    return {row.alert_id: row.model_dump(mode="json", exclude={"transition", "status", "notify_at"}) for row in rows}
