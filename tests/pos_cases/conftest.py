"""One chain for all cases: each case trades in a store of its own, over the real edge, log, projections and API."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from contracts.codec import encode
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.addresses import Addresses
from infra.clock import utc_now
from tests.api.alerts import publish
from tests.api.events import event_id
from tests.api.running import ServedApi, config, served
from tests.api.world import catch_up, projected, store
from tests.places import new_place

MODELS = ("stores", "event_index", "sales", "stock_on_hand", "till_periods")
CASES = 22
MORNING = (utc_now() - timedelta(days=3)).replace(hour=1, minute=0, second=0, microsecond=0)
"""Ten in the morning in Seoul, three days ago."""


def line(number: int = 1, sku: str = "MILK-1L", quantity: str = "1", unit_price: str = "1000", **more: Any) -> dict[str, Any]:
    """Make a line; its gross is that of a whole price and quantity unless given."""
    gross = more.pop("gross", None)
    return {
        "line": number,
        "sku": sku,
        "quantity": quantity,
        "unit_price": unit_price,
        "gross": int(float(quantity) * float(unit_price)) if gross is None else gross,
        **more,
    }


@dataclass
class Shop:
    """A store of its own for one case."""

    store_id: str
    currency: str
    client: httpx.Client
    place: Addresses

    def event(self, kind: str, name: str, data: dict[str, Any], at: datetime = MORNING, **more: Any) -> dict[str, Any]:
        """Make a document of any type."""
        return {
            "specversion": "1.0",
            "id": str(event_id(self.store_id, name)),
            "source": f"till/{self.store_id}/1",
            "type": kind,
            "time": at.isoformat(),
            "storeid": self.store_id,
            "data": data,
            **more,
        }

    def receipt(self, name: str, *lines: dict[str, Any], kind: str = "sale.completed.v1", at: datetime = MORNING, **more: Any) -> Any:
        """Make a receipt in the store's currency."""
        data = {"receipt_id": name, "currency": self.currency, "lines": list(lines) or [line()], **more}
        return self.event(kind, name, data, at)

    def post(self, *documents: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
        """Post documents; return of each its outcome and what was wrong with it, as code and pointer."""
        answer = self.client.post("/v1/events", json=list(documents))
        rows = answer.json()["results"]
        return [(row["outcome"], [(p["code"], p["pointer"]) for p in row.get("problems", [])]) for row in rows]

    def accepted(self, *documents: dict[str, Any]) -> None:
        """Post documents, all of which must be accepted."""
        assert self.post(*documents) == [("accepted", [])] * len(documents)

    def settle(self) -> None:
        """Wait until the read models have everything."""
        catch_up(self.place, *MODELS)

    def sales(self, *groups: str) -> list[dict[str, Any]]:
        """Return the sales KPIs of the store, by day unless said otherwise."""
        self.settle()
        params = {"store": self.store_id, "group_by": list(groups) or ["day"], "from": "2020-01-01"}
        answer = self.client.get("/v1/kpis/sales", params=params)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["rows"]
        return rows

    def twice(self) -> list[tuple[str, list[str]]]:
        """Return the receipt numbers that count several times, each with its event ids; the KPIs must know how many are too many."""
        self.settle()
        rows = self.client.get("/v1/tills/receipts-twice", params={"store": self.store_id}).json()["rows"]
        found = [(row["receipt_id"], [event["event_id"] for event in row["events"]]) for row in rows]
        kpis = self.client.get("/v1/kpis/sales", params={"store": self.store_id}).json()
        assert kpis["completeness"]["receipts_twice"] == sum(len(ids) - 1 for _, ids in found)
        return found

    def net(self) -> dict[str, int]:
        """Return net sales by business date, minor units."""
        return {row["period"]: row["net_sales"]["minor"] for row in self.sales()}

    def day(self) -> dict[str, Any]:
        """Return the figures of the only day that there is."""
        (row,) = self.sales()
        return row

    def stock(self) -> dict[str, str]:
        """Return what is on hand by SKU."""
        self.settle()
        answer = self.client.get("/v1/stock", params={"store": self.store_id})
        return {row["sku"]: row["on_hand"] for row in answer.json()["rows"]}


def day_of(moment: datetime) -> str:
    """Return the business date of a moment in Seoul with the cut-off at five."""
    return str((moment.astimezone(UTC) + timedelta(hours=4)).date())


@pytest.fixture(scope="package")
def chain(stack: Addresses, template: str) -> Iterator[tuple[Addresses, ServedApi]]:
    """Serve the API on a chain of one store a case, the projections running beside it."""
    with new_place(stack, template) as place:
        stores = [store(f"P{n:02}", "Asia/Seoul", "KRW", "KR", 5) for n in range(1, CASES + 1)]
        stores.append(store("DST", "Europe/London", "GBP", "GB", 0))
        asyncio.run(publish(place, [encode(event, topic) for event in stores for topic in (REFERENCE_DATA, STORE_FACTS)]))
        with projected(place, *MODELS):
            catch_up(place, "stores")
            with served(config(place)) as api:
                yield place, api


@pytest.fixture
def shop(chain: tuple[Addresses, ServedApi], request: pytest.FixtureRequest) -> Shop:
    """Give a case the store of its number: test_case_07_… trades in P07."""
    number = request.node.name.removeprefix("test_case_")[:2]
    return Shop(f"P{number}", "KRW", chain[1].client(), chain[0])


@pytest.fixture
def london(chain: tuple[Addresses, ServedApi]) -> Shop:
    """Give a case the store whose clocks are changed."""
    return Shop("DST", "GBP", chain[1].client(), chain[0])


def last_sunday_of_october() -> date:
    """Return the last day before today on which British clocks were put back."""
    today = utc_now().date()
    for year in (today.year, today.year - 1):
        found = max(date(year, 10, day) for day in range(25, 32) if date(year, 10, day).weekday() == 6)
        if found < today:
            return found
    raise AssertionError("unreachable")
