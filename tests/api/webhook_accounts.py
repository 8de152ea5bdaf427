"""The vendors that deliver to the served API of the tests, and deliveries as they would send them."""

import json
from datetime import datetime, timedelta
from typing import Any

import httpx

from infra.clock import utc_now
from producers.connections import Account, parse_connections
from tests.api.running import ServedApi

FILE = """
connections:
  square-london:
    vendor: square
    tenant: demo
    secret: {env: SQUARE_KEY}
    address: https://shops.example.com/v1/webhooks/square-london
    locations:
      L-LONDON: {store_id: B, timezone: Europe/London, currency: GBP}
      L-NOWHERE: {store_id: NOT-DEFINED, timezone: Europe/London, currency: GBP}
  toast-london:
    vendor: toast
    tenant: demo
    secret: {env: TOAST_KEY}
    locations: {r-london: {store_id: B, timezone: Europe/London, currency: GBP}}
  shopify-seoul:
    vendor: shopify
    tenant: demo
    secret: {env: SHOPIFY_KEY}
    locations: {655441491: {store_id: A, timezone: Asia/Seoul, currency: KRW, cut_off_hour: 5}}
  own-seoul:
    vendor: json_lines
    tenant: demo
    secret: {env: OWN_KEY}
    locations: {A: {store_id: A, timezone: Asia/Seoul, currency: KRW, cut_off_hour: 5}}
  foreign:
    vendor: json_lines
    tenant: demo
    secret: {env: OWN_KEY}
    locations: {X: {store_id: X, timezone: Asia/Seoul, currency: KRW}}
"""
ACCOUNTS = parse_connections(FILE, {"SQUARE_KEY": "s-q", "TOAST_KEY": "t-o", "SHOPIFY_KEY": "s-h", "OWN_KEY": "o-w"})
CLOSED_AT = (utc_now() - timedelta(hours=1)).replace(microsecond=0)


def pounds(amount: int) -> dict[str, Any]:
    """Return an amount as Square writes it."""
    return {"amount": amount, "currency": "GBP"}


def square_order(order_id: str, amount: int = 350, **changes: Any) -> dict[str, Any]:
    """Make a completed order of one coffee."""
    line = {"uid": "a", "quantity": "1", "catalog_object_id": "COFFEE", "base_price_money": pounds(amount)}
    line |= {"gross_sales_money": pounds(amount), "total_money": pounds(amount)}
    order = {"id": order_id, "location_id": "L-LONDON", "state": "COMPLETED", "version": 3, "line_items": [line]}
    times = {"closed_at": CLOSED_AT.isoformat(), "updated_at": CLOSED_AT.isoformat()}
    tenders = [{"id": "T", "type": "CARD", "amount_money": pounds(amount)}]
    return {**order, **times, "total_money": pounds(amount), "tenders": tenders, **changes}


def toast_time_entry(entry_id: str) -> dict[str, Any]:
    """Make a delivery of one open time entry."""
    entry = {"guid": entry_id, "employeeReference": {"guid": "emp-9"}, "inDate": CLOSED_AT.isoformat(), "breaks": []}
    return {"timestamp": CLOSED_AT.isoformat(), "restaurantGuid": "r-london", "timeEntries": [entry]}


def shopify_order(order_id: int, at: datetime = CLOSED_AT) -> dict[str, Any]:
    """Make a paid order of two shirts."""
    line = {"id": 1, "sku": "TEE-M", "quantity": 2, "price": "19000"}
    order = {"id": order_id, "currency": "KRW", "financial_status": "paid", "location_id": 655441491, "processed_at": at.isoformat()}
    return {**order, "total_price": "38000", "line_items": [line], "source_name": "pos", "payment_gateway_names": ["cash"]}


def signed(account: Account, body: bytes) -> dict[str, str]:
    """Return the headers with which the vendor would send a body."""
    scheme = account.vendor.scheme
    return {scheme.header: scheme.signature(account.secret, body, account.address), "Content-Type": "application/json"}


def deliver(api: ServedApi, name: str, payload: Any, **headers: str) -> httpx.Response:
    """Deliver a payload (a text as it is) with the signature of its vendor."""
    body = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
    return httpx.post(f"{api.url}/v1/webhooks/{name}", content=body, headers=signed(ACCOUNTS[name], body) | headers, timeout=30)
