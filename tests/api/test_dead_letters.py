"""Dead letters over HTTP: seen within the caller's chain and stores, decided by HQ only, once."""

import asyncio
from datetime import date
from typing import Any

import pytest

from contracts.records import OutboundRecord
from contracts.topics import STORE_FACTS
from tests.api.alerts import publish
from tests.api.events import TENANT, event_id
from tests.api.running import ServedApi
from tests.api.world import catch_up, projected

pytestmark = pytest.mark.stack


def _poison(name: str, store: str, tenant: str = TENANT) -> OutboundRecord:
    headers = {
        "specversion": "1.0",
        "id": str(event_id(name)),
        "source": "till/1",
        "type": "stock.counted.v1",
        "time": "2026-03-02T10:00:00+09:00",
        "tenantid": tenant,
        "storeid": store,
        "businessdate": str(date(2026, 3, 2)),
    }
    return OutboundRecord(STORE_FACTS, store.encode(), b"{nothing", [(f"ce_{key}", value.encode()) for key, value in headers.items()], 0)


def test_letters_are_listed_in_scope_and_decided_once(api: ServedApi, stores) -> None:
    """A manager sees one store's, HQ the chain's, another chain nothing; a retry, a discard and a correction each settle a letter."""
    asyncio.run(publish(stores, [_poison("a", "A"), _poison("b", "B"), _poison("x", "X", "rival"), _poison("d", "A")]))
    with projected(stores, "stock_on_hand", "event_index"):
        catch_up(stores, "stock_on_hand", "event_index")
        hq, manager, rival = api.client(), api.client("manager", "A"), api.client("hq", tenant="rival")

        def rows(client: Any, **filters: Any) -> list[tuple[str, str]]:
            found = client.get("/v1/dead-letters", params={"projection": "stock_on_hand", **filters})
            assert found.status_code == 200, found.text
            return [(row["store_id"], row["disposition"]) for row in found.json()["rows"]]

        assert rows(hq) == [("A", "open"), ("B", "open"), ("A", "open")]
        assert rows(manager) == [("A", "open"), ("A", "open")]
        assert rows(rival) == [("X", "open")]
        assert rows(hq, store="B", reason="invalid", disposition="open") == []
        assert manager.get("/v1/dead-letters", params={"store": "B"}).json()["code"] == "store_out_of_scope"
        page = hq.get("/v1/dead-letters", params={"projection": "stock_on_hand", "limit": 2}).json()
        rest = hq.get("/v1/dead-letters", params={"projection": "stock_on_hand", "cursor": page["next_cursor"]}).json()
        places = [
            f"/v1/dead-letters/{row['projection']}/{row['topic']}/{row['partition']}/{row['offset']}" for row in page["rows"] + rest["rows"]
        ]
        assert hq.get(places[0]).json()["value"] == {"encoding": "utf-8", "content": "{nothing"}
        assert rival.get(places[0]).status_code == 404
        assert manager.post(f"{places[0]}/discard", json={"reason": "no"}).json()["code"] == "role_not_allowed"
        for decision, body in (("discard", {"reason": "no"}), ("retry", None), ("correct", {"reason": "no", "replacement": None})):
            assert rival.post(f"{places[0]}/{decision}", json=body).status_code == 404, decision

        discarded = hq.post(f"{places[0]}/discard", json={"reason": "a test receipt"})
        assert (discarded.json()["disposition"], discarded.json()["decided_by"]) == ("discarded", "test")
        assert hq.post(f"{places[0]}/discard", json={"reason": "again"}).json()["code"] == "not_decidable"
        retried = hq.post(f"{places[1]}/retry").json()
        assert retried["topic"] == STORE_FACTS
        replacement = {"sheet_id": "C-1", "lines": [{"line": 1, "sku": "MILK", "quantity": "6"}]}
        refused = hq.post(f"{places[2]}/correct", json={"reason": "a broken till", "replacement": {"sheet_id": "C-1"}})
        assert (refused.status_code, refused.json()["code"]) == (422, "events_rejected")
        corrected = hq.post(f"{places[2]}/correct", json={"reason": "a broken till", "replacement": replacement})
        assert (corrected.status_code, corrected.json()["outcome"]) == (200, "accepted")
        catch_up(stores, "stock_on_hand", "event_index")

        assert rows(hq) == [("A", "discarded"), ("B", "retried"), ("A", "corrected"), ("B", "open")]
        letter = hq.get(places[2]).json()
        assert (letter["decision_reason"], letter["correction_id"]) == ("a broken till", corrected.json()["id"])
        stock = hq.get("/v1/stock", params={"store": "A"}).json()["rows"]
        assert [(row["sku"], row["on_hand"]) for row in stock] == [("MILK", "6")]
