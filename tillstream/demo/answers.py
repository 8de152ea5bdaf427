"""What HQ asks the API at the end of the demo, as HQ would: over HTTP, with a token."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from api.security.tokens import issue_token
from tillstream.composition import signing_key
from tillstream.running import RunningStack

EVER = {"from": "2000-01-01", "until": "2099-12-31"}
_OF_THE_ANSWER = ("as_of", "behind", "status", "final_until", "completeness", "totals")


@dataclass(frozen=True, slots=True)
class Answers:
    """Sales by store with totals per currency, all alerts, all open recommendations."""

    kpis: dict[str, Any]
    alerts: list[dict[str, Any]]
    recommendations: list[dict[str, Any]]


def ask(stack: RunningStack, tenant: str) -> Answers:
    """Ask the API for everything that the demo shows."""
    token = issue_token(signing_key(stack.settings), subject="demo", role="hq", tenant=tenant, stores=("*",), valid_for=timedelta(hours=1))
    with httpx.Client(base_url=stack.api_url, headers={"Authorization": f"Bearer {token}"}, timeout=60.0) as client:
        sales = _get(client, "/v1/kpis/sales", **EVER, group_by="store")
        kpis = {name: sales[name] for name in _OF_THE_ANSWER} | {"by_store": sales["rows"]}
        return Answers(kpis, list(_pages(client, "/v1/alerts")), list(_pages(client, "/v1/reorder-recommendations", status="open")))


def _get(client: httpx.Client, path: str, **query: str) -> dict[str, Any]:
    answer = client.get(path, params=query)
    answer.raise_for_status()
    content: dict[str, Any] = answer.json()
    return content


def _pages(client: httpx.Client, path: str, **query: str) -> Iterator[dict[str, Any]]:
    while True:
        page = _get(client, path, **query)
        yield from page["rows"]
        if not page.get("next_cursor"):
            return
        query["cursor"] = page["next_cursor"]
