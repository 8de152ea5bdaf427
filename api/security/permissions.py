"""Who may call what: the literal matrix. A route that is neither here, nor signed, nor public cannot be mounted."""

from collections.abc import Iterable
from typing import Literal

from api.security.caller import Role

_EVERYONE: frozenset[Role] = frozenset({"hq", "manager", "staff", "device"})
_PEOPLE: frozenset[Role] = frozenset({"hq", "manager", "staff"})
_LEADERS: frozenset[Role] = frozenset({"hq", "manager"})
_HQ: frozenset[Role] = frozenset({"hq"})

PERMISSIONS: dict[str, frozenset[Role]] = {
    "post_events": _EVERYONE,
    "read_sales": _LEADERS,
    "list_sales_changes": _LEADERS,
    "read_tenders": _LEADERS,
    "read_cashiers": _LEADERS,
    "read_sales_lines": _LEADERS,
    "read_stock_ledger": _LEADERS,
    "read_clock_events": _LEADERS,
    "read_alert_history": _LEADERS,
    "list_changes": _LEADERS,
    "read_stock": _PEOPLE,
    "list_stock_counts": _LEADERS,
    "list_stock_positions": _LEADERS,
    "list_incoming_goods": _LEADERS,
    "list_reference_data": _LEADERS,
    "read_attendance": _LEADERS,
    "read_attendance_weeks": _LEADERS,
    "list_alerts": _LEADERS,
    "stream_alerts": _LEADERS,
    "read_alert": _LEADERS,
    "answer_alert": _LEADERS,
    "list_reorder_recommendations": _LEADERS,
    "list_till_days": _LEADERS,
    "list_till_periods": _LEADERS,
    "list_receipts_twice": _LEADERS,
    "list_stores": _EVERYONE,
    "list_quarantine": _LEADERS,
    "read_quarantine_entry": _LEADERS,
    "resubmit_quarantine_entry": _LEADERS,
    "discard_quarantine_entry": _LEADERS,
    "list_dead_letters": _LEADERS,
    "read_dead_letter": _LEADERS,
    "retry_dead_letter": _HQ,
    "discard_dead_letter": _HQ,
    "correct_dead_letter": _HQ,
    "ask_reconciliation": _HQ,
    "list_reconciliations": _HQ,
    "read_reconciliation": _HQ,
    "list_reconciliation_differences": _HQ,
    "read_status": _HQ,
    "read_accounting": _HQ,
    "list_archive_months": _HQ,
    "read_archive_month": _HQ,
    "read_metrics": _HQ,
}
"""Route name (= operation id) to the roles that may call it; for which stores is decided by their scope."""

PUBLIC: frozenset[str] = frozenset({"health_live", "health_ready", "openapi"})
"""Routes without a token: they tell nothing of any store."""


SIGNED: frozenset[str] = frozenset({"post_webhook"})
"""Routes without a token whose body is signed by a vendor: the signature is checked before anything else is read."""

Access = Literal["token", "signature", "nothing"]
"""What a route asks of whoever calls it."""


class RouteUndeclared(RuntimeError):
    """A route was mounted that the permission matrix does not know."""


def check_declared(route_names: Iterable[str]) -> None:
    """Raise RouteUndeclared for the first route that says nowhere who may call it."""
    for name in route_names:
        if name not in PERMISSIONS and name not in PUBLIC and name not in SIGNED:
            raise RouteUndeclared(f"route {name!r} is neither in the permission matrix nor signed nor public")


def access_of(route_name: str) -> Access:
    """Tell what a route asks for; a token, unless it is declared otherwise."""
    if route_name in SIGNED:
        return "signature"
    return "nothing" if route_name in PUBLIC else "token"


def is_allowed(route_name: str, role: Role) -> bool:
    """Tell whether a role may call a route; no for every route that is not declared."""
    return role in PERMISSIONS.get(route_name, frozenset())
