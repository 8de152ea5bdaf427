"""The other read routes over rows of the real projections: what they say, to whom, and how far behind they are."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from api.cursors import write_cursor
from api.routes.stock import _position
from contracts.codec import build_event, encode
from contracts.envelope import Envelope
from contracts.events.registry import REORDER_RECOMMENDED
from contracts.events.reorder import ReorderRecommended
from contracts.evidence import Evidence
from contracts.identifiers import derived_id, transition_id
from contracts.records import OutboundRecord
from contracts.topics import REORDER_RECOMMENDATIONS, STORE_FACTS
from infra.clock import utc_now
from projections.read_models.incoming_goods.reader import OnTheWay
from projections.read_models.stock_on_hand.reader import StockRow
from tests.api.alerts import MORNING, publish, transition
from tests.api.events import TENANT, event_id, sale
from tests.api.log_reader import events_on
from tests.projections.applying import apply_log
from tests.waiting import until
from tillstream.cli import app

pytestmark = pytest.mark.stack

MODELS = (
    *("stores", "event_index", "stock_on_hand", "attendance_day", "open_alerts", "reorder_recommendations"),
    *("sales", "stock_ledger", "clock_events", "alert_history", "incoming_goods", "reference_data"),
)
NOON = utc_now().replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=3)
"""Noon in Seoul, three days ago."""


def document(store: str, kind: str, name: str, data: dict) -> dict:
    """Make a document of any type."""
    return sale(store, name, at=NOON) | {"type": kind, "data": data}


def facts(store: str) -> list[dict]:
    """Count ten, sell two, order six more, and clock in."""
    ordered = {"purchase_order_id": "PO-1", "lines": [{"line": 1, "sku": "MILK-1L", "quantity": "6"}]}
    line = {"line": 1, "sku": "MILK-1L", "quantity": "10", "counted_at": (NOON - timedelta(hours=1)).isoformat()}
    return [
        document(store, "stock.counted.v1", "count", {"sheet_id": "S1", "lines": [line]}),
        sale(store, "sale", at=NOON),
        document(store, "stock.ordered.v1", "order", ordered),
        document(store, "clock.in.v1", "punch", {"employee_id": f"E-{store}"}),
    ]


def recommendation(store: str) -> OutboundRecord:
    """Recommend to reorder, as the rule does."""
    identity = derived_id("recommendation", store)
    data = ReorderRecommended(
        recommendation_id=identity,
        revision=1,
        status="open",
        sku="MILK-1L",
        position="8",
        reorder_point="9",
        order_quantity="12",
        rule_version=1,
        policy_version=1,
        evidence=Evidence(observed="8 on hand", expected="above 9"),
    )
    envelope = Envelope(
        id=transition_id(identity, 1), source="rules", type=REORDER_RECOMMENDED, occurred_at=MORNING, tenant_id=TENANT, store_id=store
    )
    return encode(build_event(envelope, data), REORDER_RECOMMENDATIONS)


@pytest.fixture
def world(stores, api):
    """Post facts of both stores, write what rules would, and let the projections apply everything."""
    answer = api.client().post("/v1/events", json=facts("A") + facts("B"))
    assert answer.json()["accepted"] == 8, answer.text
    derived = [transition("A", "E-A", 1), transition("B", "E-B", 1), transition("B", "E-B", 2)]
    asyncio.run(publish(stores, [*derived, recommendation("A"), recommendation("B")]))
    apply_log(stores, *MODELS)
    return stores


DAY = f"/v1/attendance/{NOON.date()}"
HISTORIES = ("/v1/sales-lines", "/v1/stock-ledger", "/v1/clock-events", "/v1/alert-history")
CURRENT = ("/v1/stock-counts", "/v1/stock-positions", "/v1/incoming-goods", "/v1/attendance-weeks")
CHANGES = tuple(f"/v1/changes/{model}" for model in ("stock_on_hand", "incoming_goods", "attendance_day", "reorder_recommendations"))
LISTS = ("/v1/stock", DAY, "/v1/alerts", "/v1/reorder-recommendations", *HISTORIES, *CURRENT)
ROUTES = (*LISTS, "/v1/stores", "/v1/kpis/sales?group_by=store")
BEFORE = "2019-01-01T00:00:00Z"
FILTERS = (
    *(
        (path, "sku", "TEA")
        for path in ("/v1/stock", "/v1/sales-lines", "/v1/stock-ledger", "/v1/stock-counts", "/v1/stock-positions", "/v1/incoming-goods")
    ),
    *(
        (path, "known_at", BEFORE)
        for path in ("/v1/stock-counts", *HISTORIES, DAY, "/v1/attendance-weeks", "/v1/incoming-goods", "/v1/reorder-recommendations")
    ),
    ("/v1/reference-data/store", "known_at", BEFORE),
    *((path, "since", "2100-01-01T00:00:00Z") for path in CHANGES),
    *(("/v1/sales-lines", *only) for only in (("till", "T-9"), ("receipt", "R-9"))),
    *((path, "employee", "E-9") for path in (DAY, "/v1/sales-lines", "/v1/attendance-weeks", "/v1/clock-events")),
    *(("/v1/alert-history", *only) for only in (("rule", "overtime"), ("kind", "answer"), ("alert", str(derived_id("none"))))),
    *(("/v1/stock-counts", *span) for span in (("since", "2100-01-01T00:00:00Z"), ("until", BEFORE))),
    *((path, "until", "2019-01-01") for path in (*HISTORIES, "/v1/attendance-weeks")),
    ("/v1/incoming-goods", "kind", "transfer"),
    ("/v1/stock-ledger", "kind", "waste"),
    ("/v1/reference-data/store", "at", BEFORE),
)
"""Questions of which each asks for what nothing is."""


def test_each_route_answers_for_the_stores_in_scope_and_for_no_other(world, api):
    """HQ sees its chain, a manager one store, the rival chain nothing; asking for another store is refused, not emptied."""

    def stores_of(client, path) -> set[str]:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        return {row["store_id"] for row in answer.json()["rows"]}

    lists = ROUTES[:-1]
    hq, manager, rival = api.client(), api.client("manager", "A"), api.client(tenant="rival")
    assert {path: stores_of(hq, path) for path in lists} == {path: {"A", "B"} for path in lists}
    assert {path: stores_of(manager, path) for path in lists} == {path: {"A"} for path in lists}
    assert {path: stores_of(rival, path) - {"X"} for path in lists} == {path: set() for path in lists}
    asked = [manager.get(path, params={"store": "B"}) for path in ROUTES if path != "/v1/stores"]
    assert {(answer.status_code, answer.json()["code"]) for answer in asked} == {(403, "store_out_of_scope")}
    assert {row["store_id"] for row in hq.get("/v1/stock", params={"store": "B"}).json()["rows"]} == {"B"}


SHOWN = {
    "sales": "/v1/sales-lines",
    "tenders": "/v1/kpis/tenders",
    "cashiers": "/v1/kpis/cashiers",
    "cashiers --by-shift": "/v1/kpis/cashiers?by=shift",
    "stock": "/v1/stock-ledger",
    "clock": "/v1/clock-events",
    "alerts": "/v1/alert-history",
}
"""Histories on the command line, and the routes that say the same."""


def ran(world, *words: str) -> str:
    """Run a command in this process and return what it printed."""
    names = ("KAFKA_BOOTSTRAP", "POSTGRES_DSN", "CLICKHOUSE_URL", "TOPIC_PREFIX")
    places = (world.kafka_bootstrap, world.postgres_dsn, world.clickhouse_url, world.topic_prefix)
    env = {f"TILLSTREAM_{name}": place for name, place in zip(names, places, strict=True)}
    done = CliRunner().invoke(app, words, env=env)
    assert done.exit_code == 0, done.output
    return done.output


def told_by_command(world, history: str, *words: str) -> list[dict]:
    """Return the rows that a history of store B prints for machines."""
    printed = ran(world, "history", *history.split(), "--store", "B", "--json", *words)
    return [json.loads(line) for line in printed.splitlines()]


def test_the_answers_say_what_happened_on_one_page_or_on_many(world, api):
    """Stock after count and sale, the punch, the newest transition with its evidence, the order; one row a page gives the same."""
    manager = api.client("manager", "B")
    (stock,) = manager.get("/v1/stock").json()["rows"]
    assert (stock["sku"], stock["on_hand"], stock["counted_quantity"]) == ("MILK-1L", "8", "10")
    (person,) = manager.get(DAY).json()["rows"]
    assert (person["employee_id"], person["last_out"]) == ("E-B", None)
    (alert,) = manager.get("/v1/alerts", params={"status": "open"}).json()["rows"]
    assert (alert["subject"], alert["transition"], alert["evidence"]["observed"]) == ("E-B", 2, "no punch")
    assert manager.get("/v1/alerts", params={"status": "resolved"}).json()["rows"] == []
    (order,) = manager.get("/v1/reorder-recommendations", params={"status": "open"}).json()["rows"]
    assert (order["sku"], order["order_quantity"], order["position"]) == ("MILK-1L", "12", "8")
    table = manager.get("/v1/stock", headers={"Accept": "text/csv"}).text.splitlines()
    assert table[1].startswith("B,MILK-1L,8,10,")

    assert {(row["kind"], row["quantity"]) for row in manager.get("/v1/stock-ledger").json()["rows"]} == {("count", "10"), ("sale", "-2")}
    (position,) = manager.get("/v1/stock-positions").json()["rows"]
    assert (position["on_hand"], position["on_order"], position["in_transit"], position["position"]) == ("8", "6", "0", "14")
    (before,) = manager.get("/v1/stock", params={"at": (NOON - timedelta(minutes=30)).isoformat()}).json()["rows"]
    (count,) = manager.get("/v1/stock-counts").json()["rows"]
    assert (before["on_hand"], count["counted"], count["variance"]) == ("10", "10", None)
    (coming,) = manager.get("/v1/incoming-goods", params={"kind": "order"}).json()["rows"]
    assert (coming["reference"], coming["outstanding"]) == ("PO-1", "6")
    (version,) = manager.get("/v1/reference-data/store").json()["rows"]
    assert (version["name"], version["data"]["timezone"]) == ("B", "Europe/London")
    assert [row["quantity"] for row in manager.get("/v1/stock-ledger", params={"kind": "count"}).json()["rows"]] == ["10"]
    (punch,) = manager.get("/v1/clock-events", params={"employee": "E-B"}).json()["rows"]
    assert (punch["kind"], punch["distance_m"], punch["corrects_event_id"]) == ("in", None, None)
    history = manager.get("/v1/alert-history", params={"alert": alert["alert_id"]}).json()["rows"]
    assert {(row["transition"], row["evidence"]["observed"]) for row in history} == {(1, "no punch"), (2, "no punch")}
    assert {(path, name): manager.get(path, params={name: value}).json()["rows"] for path, name, value in FILTERS} == {
        (path, name): [] for path, name, _ in FILTERS
    }
    unknown = manager.get("/v1/stock", params={"known_at": BEFORE}).json()
    assert ([row["on_hand"] for row in unknown["rows"]], unknown["known_at"]) == (["0"], BEFORE)
    ahead = {"min_position": "store-facts-v1/0/999999", "wait_ms": 0}
    assert {manager.get(path, params=ahead).json()["code"] for path in HISTORIES} == {"position_not_reached"}

    (shift,) = manager.get("/v1/kpis/cashiers", params={"by": "shift"}).json()["rows"]
    (period,) = manager.get("/v1/kpis/cashiers").json()["rows"]
    assert [(row["shift_id"], row["period_id"], row["completed"]) for row in (shift, period)] == [("", None, 1), (None, "", 1)]

    assert {name: len(told_by_command(world, name)) for name in SHOWN} == {
        name: len(manager.get(path).json()["rows"]) for name, path in SHOWN.items()
    }
    assert told_by_command(world, "sales", "--receipt", "R-9", "--known-at", "2100-01-01T00:00:00+00:00") == []
    assert "MILK-1L" in ran(world, "history", "stock", "--store", "B", "--kind", "count")
    assert "the first 1" in ran(world, "history", "stock", "--limit", "1")
    assert "clock.in.v1" in ran(world, "history", "changes", "attendance_day", "--since", "2020-01-01T00:00:00+00:00")
    assert "MILK-1L" in ran(world, "history", "recommendations", "--store", "B", "--open")
    assert "every month stays" in ran(world, "archive", "status")

    hq = api.client()
    for path in (*LISTS, "/v1/reference-data/store"):
        first = hq.get(path, params={"limit": 1}).json()
        second = hq.get(path, params={"limit": 3, "cursor": first["next_cursor"]}).json()
        assert first["rows"] + second["rows"] == hq.get(path).json()["rows"], path
        foreign = hq.get(path, params={"cursor": write_cursor("elsewhere", ("A", "B"))})
        assert (foreign.status_code, foreign.json()["code"]) == (400, "invalid_cursor")


def test_a_position_is_what_is_there_and_what_is_to_come():
    """From suppliers and from other stores alike."""
    row = _position(StockRow("B", "MILK-1L", Decimal(8), None, None, Decimal(8), None), OnTheWay(Decimal(6), Decimal(3)))
    assert (row.on_hand, row.on_order, row.in_transit, row.position) == (8, 6, 3, 17)


def test_status_and_freshness_say_how_far_behind_the_log_everything_is(world, api):
    """Level after catching up; behind by what was posted since; a model that never ran has no partitions."""
    hq = api.client()
    status = {row["projection"]: row for row in hq.get("/v1/status").json()["projections"]}
    assert {name: status[name]["behind"]["events"] for name in MODELS} == dict.fromkeys(MODELS, 0)
    assert (status["event_log"]["partitions"], status["event_log"]["behind"]) == ([], {"events": None, "seconds": None})
    assert {row["lag_events"] for row in status["stock_on_hand"]["partitions"]} == {0}
    assert hq.post("/v1/events", json=[sale("A", n) for n in range(3)]).json()["accepted"] == 3
    behind = until(lambda: (b := hq.get("/v1/stock").json()["behind"])["events"] and b, 30, "the model is behind")
    assert behind["events"] == 3
    assert behind["seconds"] > 0
    stopped = next(row for row in hq.get("/v1/status").json()["projections"] if row["projection"] == "stock_on_hand")
    assert stopped["oldest_unapplied_seconds"] >= 0
    assert "no process keeps it" in stopped["why_still"]
    assert status["stock_on_hand"]["oldest_unapplied_at"] is None


def test_what_the_index_knows_is_answered_as_duplicate_with_its_first_position(world, api):
    """The same content: duplicate, nothing is written; other content: refused, with the position of the first."""
    hq = api.client()
    again = hq.post("/v1/events", json=facts("A"))
    assert (again.status_code, again.json()["duplicate"]) == (200, 4)
    on_log = {str(event.id): at for at, event in events_on(world, STORE_FACTS).items()}
    for row in again.json()["results"]:
        assert (row["position"]["partition"], row["position"]["offset"]) == on_log[row["id"]]
    other = hq.post("/v1/events", json=sale("A", "sale", at=NOON, amount=7000))
    (result,) = other.json()["results"]
    assert (other.status_code, result["problems"][0]["code"]) == (422, "conflicting_duplicate")
    assert (result["position"]["partition"], result["position"]["offset"]) == on_log[str(event_id("A", "sale"))]
    assert len(events_on(world, STORE_FACTS)) == len(on_log)
