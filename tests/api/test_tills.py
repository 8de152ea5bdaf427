"""Tills over the real API: completeness beside KPIs, days with gaps and silence, closings against receipts."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from api.cursors import write_cursor
from contracts.codec import encode
from contracts.envelope import Event
from contracts.fields import Model
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.addresses import Addresses
from infra.clock import utc_now
from tests.api.alerts import publish
from tests.api.events import event_id, sale
from tests.api.running import ServedApi
from tests.api.world import LONG_AGO, store
from tests.projections.applying import apply_log

pytestmark = pytest.mark.stack

MODELS = ("stores", "sales", "till_days", "till_periods")
NOON = utc_now().replace(hour=3, minute=0, second=0, microsecond=0) - timedelta(days=3)
"""Noon in Seoul, three days ago."""
DAY, NEXT = str(NOON.date()), str(NOON.date() + timedelta(days=1))


def with_tills(store_id: str, *tills: str) -> Event[Model]:
    """Define the second version of a store, with its tills, from long ago."""
    first = store(store_id, "Asia/Seoul", "KRW", "KR", 5)
    envelope = first.envelope.model_copy(update={"id": event_id("store", store_id, 2)})
    return Event(envelope, first.data.model_copy(update={"version": 2, "effective_from": LONG_AGO + timedelta(days=9), "tills": tills}))


def closed_after_first_day(store_id: str) -> Event[Model]:
    """Define a version of a store that says which day was its last."""
    first = store(store_id, "Europe/London", "GBP", "GB", 5)
    envelope = first.envelope.model_copy(update={"id": event_id("store", store_id, 3)})
    data = first.data.model_copy(update={"version": 3, "effective_from": LONG_AGO + timedelta(days=9), "closed_on": NOON.date()})
    return Event(envelope, data)


def sold(name: str, till: str, hours: float = 0, number: int | None = None, period: str | None = None, where: str = "A") -> dict:
    """Make a document of a sale at a till of its own device; 5000 won, paid in cash."""
    document = sale(where, name, at=NOON + timedelta(hours=hours), deviceid=f"till-{till}")
    document["data"] |= {"till_id": till, "tenders": [{"kind": "cash", "amount": 5000}]} | ({"period_id": period} if period else {})
    return document | ({} if number is None else {"deviceseq": number})


def closing(period: str, hours: float, count: int, till: str = "1") -> dict:
    """Make a document of a closing that reports so many sales of 5000 won."""
    data = {
        "till_id": till, "period_id": period, "opened_at": NOON.isoformat(), "currency": "KRW", "sales_count": count,
        "gross": 5000 * count, "tenders": [{"kind": "cash", "count": count, "amount": 5000 * count}], "counted_cash": 5000 * count,
    }  # fmt: skip
    return sale("A", f"close/{period}", at=NOON + timedelta(hours=hours)) | {"type": "till.closed.v1", "data": data}


def post(addresses: Addresses, api: ServedApi, *documents: dict) -> None:
    """Post events and let the projections apply them."""
    answer = api.client().post("/v1/events", json=list(documents))
    assert answer.json()["accepted"] == len(documents), answer.text
    apply_log(addresses, *MODELS)


@pytest.fixture
def world(stores: Addresses, api: ServedApi) -> Addresses:
    """Name the tills of A, and sell: till 1 on both days with a gap, till 2 on the first only; B on the first only, without tills."""
    asyncio.run(publish(stores, [encode(with_tills("A", "1", "2"), topic) for topic in (REFERENCE_DATA, STORE_FACTS)]))
    post(
        stores,
        api,
        sold("a1", "1", 0, 1, "P"),
        sold("a2", "1", 1, 2, "P"),
        sold("a6", "1", 24, 6),
        sold("b", "2", 2),
        sale(
            "B",
            "c",
            at=NOON,
            data={
                "receipt_id": "c",
                "currency": "GBP",
                "lines": [{"line": 1, "sku": "T", "quantity": "1", "unit_price": "1", "gross": 100}],
            },
        ),
    )
    return stores


def completeness(client: httpx.Client, **parameters: object) -> dict:
    """Ask for KPIs and return how complete they are."""
    answer = client.get("/v1/kpis/sales", params=parameters)
    assert answer.status_code == 200, answer.text
    found = answer.json()["completeness"]
    return {name: value for name, value in found.items() if name not in {"from_date", "until_date"}}


def test_kpis_say_how_much_of_what_should_have_come_has_come(world, api):
    """Over the stores and dates of the question; a store without tills or numbers says null, never that all is well."""
    hq = api.client()
    whole = completeness(hq)
    assert whole.pop("as_of") is not None
    assert whole == {
        "tills_expected": 4,
        "tills_heard": 3,
        "numbers_missing": 3,
        "store_days_expected": 4,
        "store_days_heard": 3,
        "receipts_twice": 0,
    }
    first = completeness(hq, until=DAY, store="A") | {"as_of": None}
    assert first == {
        "tills_expected": 2,
        "tills_heard": 2,
        "numbers_missing": 0,
        "store_days_expected": 1,
        "store_days_heard": 1,
        "receipts_twice": 0,
        "as_of": None,
    }
    silent = completeness(hq, store="B") | {"as_of": None}
    assert silent == {
        "tills_expected": None,
        "tills_heard": None,
        "numbers_missing": None,
        "store_days_expected": 2,
        "store_days_heard": 1,
        "receipts_twice": 0,
        "as_of": None,
    }
    unheard = completeness(hq, known_at="2020-01-01T00:00:00Z")
    assert (unheard["tills_expected"], unheard["store_days_expected"], unheard["numbers_missing"]) == (0, 0, None)
    before = completeness(hq, until="2020-01-01")
    assert (before["tills_expected"], before["store_days_expected"]) == (0, 0)
    asyncio.run(publish(world, [encode(closed_after_first_day("B"), REFERENCE_DATA)]))
    apply_log(world, "reference_data")
    assert completeness(hq, store="B")["store_days_expected"] == 1, "it has closed for good since"
    assert [row["store_id"] for row in hq.get("/v1/tills/days", params={"store": "B"}).json()["rows"]] == ["B"]
    nothing = completeness(api.client(tenant="rival"))
    assert (nothing["tills_expected"], nothing["store_days_expected"], nothing["numbers_missing"]) == (None, 0, None)


def test_tables_carry_completeness_as_headers(world, api):
    """As they carry freshness; a header is empty where the field is null."""
    names = ("x-tills-expected", "x-tills-heard", "x-numbers-missing", "x-store-days-expected", "x-store-days-heard", "x-receipts-twice")
    answers = [api.client().get("/v1/kpis/sales", params={"format": "csv", "store": name}) for name in ("A", "B")]
    assert [[answer.headers[name] for name in names] for answer in answers] == [["4", "3", "3", "2", "2", "0"], ["", "", "", "2", "1", "0"]]


def test_days_name_the_silent_tills_and_the_missing_numbers_until_they_come(world, api):
    """A gap is told with its ranges on the day of the next number, and is gone with the late events that fill it."""
    client = api.client("manager", "A")
    first, second = client.get("/v1/tills/days").json()["rows"]
    assert (first["business_date"], first["tills_silent"], first["numbers_missing"]) == (DAY, [], 0)
    assert (second["business_date"], second["tills_expected"], second["tills_heard"], second["tills_silent"]) == (NEXT, 2, 1, ["2"])
    assert (second["numbers_missing"], second["missing"]) == (3, [{"device_id": "till-1", "first": 3, "last": 5}])
    assert [(till["till_id"], till["is_closed"]) for till in second["tills"]] == [("1", False)]

    post(world, api, sold("a4", "1", 3, 4), sold("a3", "1", 2, 3), sold("a5", "1", 4, 5))
    page = client.get("/v1/tills/days", params={"from": NEXT}).json()
    assert [(row["numbers_missing"], row["missing"]) for row in page["rows"]] == [(0, [])]
    assert page["behind"]["events"] == 0


def test_periods_say_whether_the_closing_is_what_came(world, api):
    """One receipt short, then whole when it comes late; a period without a closing is open."""
    client = api.client("manager", "A")
    (still,) = client.get("/v1/tills/periods").json()["rows"]
    assert (still["period_id"], still["verdict"], still["reported"], still["counted"]["gross"]) == ("P", "open", None, 10000)

    post(world, api, closing("P", 8, 3))
    (short,) = client.get("/v1/tills/periods", params={"verdict": "differs"}).json()["rows"]
    assert (short["verdict"], short["receipts_missing"], short["currency"], short["counted_cash"]) == ("differs", 1, "KRW", 15000)
    assert {row["figure"]: (row["reported"], row["counted"], row["difference"]) for row in short["differences"]} == {
        "sales_count": (3, 2, 1),
        "gross": (15000, 10000, 5000),
        "tenders.cash.count": (3, 2, 1),
        "tenders.cash.amount": (15000, 10000, 5000),
    }

    post(world, api, sold("late", "1", 3))
    (whole,) = client.get("/v1/tills/periods").json()["rows"]
    assert (whole["verdict"], whole["differences"], whole["reported"]) == ("matches", [], whole["counted"])
    assert client.get("/v1/tills/periods", params={"verdict": "differs"}).json()["rows"] == []


def test_periods_say_what_the_drawer_should_hold(world, api):
    """Unknown without the float; with it, what was counted is compared, and a short drawer is found by that verdict."""
    client = api.client("manager", "A")
    post(world, api, closing("P", 8, 2))
    (unknown,) = client.get("/v1/tills/periods").json()["rows"]
    assert (unknown["cash"]["verdict"], unknown["cash"]["expected"], unknown["cash"]["sales"]) == ("unknown", None, 10000)

    opening = {"till_id": "1", "period_id": "P", "currency": "KRW", "float_amount": 3000}
    paid = {"till_id": "1", "currency": "KRW", "amount": 1000, "purpose": "expense"}
    post(
        world,
        api,
        sale("A", "open", at=NOON) | {"type": "till.opened.v1", "data": opening},
        sale("A", "milk", at=NOON + timedelta(hours=2)) | {"type": "cash.paid_out.v1", "data": paid},
    )
    (short,) = client.get("/v1/tills/periods", params={"cash": "short"}).json()["rows"]
    assert short["cash"] == {
        "verdict": "short",
        "float_amount": 3000,
        "sales": 10000,
        "paid_in": 0,
        "paid_out": 1000,
        "bank_drops": 0,
        "expected": 12000,
        "counted": 10000,
        "difference": -2000,
        "untendered": 0,
    }
    assert short["verdict"] == "matches"
    assert client.get("/v1/tills/periods", params={"cash": "balanced"}).json()["rows"] == []


def test_receipts_that_came_twice_are_listed_until_corrected(world, api):
    """Number, till and both ids, for those who may see the store; the correction that the list allows takes them away."""
    again = sold("again", "1", 1.5)
    again["data"]["receipt_id"] = "R-a1"
    post(world, api, again)
    client = api.client("manager", "A")
    (row,) = client.get("/v1/tills/receipts-twice").json()["rows"]
    assert (row["store_id"], row["business_date"], row["till_id"], row["receipt_id"]) == ("A", DAY, "1", "R-a1")
    assert [event["event_id"] for event in row["events"]] == [str(event_id("A", "a1")), again["id"]]
    assert (completeness(client)["receipts_twice"], completeness(client, **{"from": NEXT})["receipts_twice"]) == (1, 0)
    assert api.client("manager", "B").get("/v1/tills/receipts-twice").json()["rows"] == []

    second = row["events"][1]
    named = {"corrects_event_id": second["event_id"], "corrects_type": row["type"], "corrects_occurred_at": second["occurred_at"]}
    undo = {"type": "event.corrected.v1", "data": named | {"kind": "did_not_occur", "reason": "the till was installed anew"}}
    post(world, api, sale("A", "undo", at=NOON) | undo)
    assert client.get("/v1/tills/receipts-twice").json()["rows"] == []
    assert completeness(client)["receipts_twice"] == 0


def test_pages_scope_and_parameters(world, api):
    """One row a page gives the same rows; another's store is refused; a wrong cursor or verdict is a problem."""
    post(world, api, closing("Q", 30, 0, till="2"), closing("R", 31, 0, till="2"))
    doubles = [sold(f"{name}/{copy}", name) for name in "12" for copy in (1, 2)]
    for document in doubles:
        document["data"]["receipt_id"] = "R-same"
    post(world, api, *doubles)
    hq = api.client()
    for path, count in (("/v1/tills/days", 4), ("/v1/tills/periods", 3), ("/v1/tills/receipts-twice", 2)):
        rows, cursor = [], None
        while True:
            page = hq.get(path, params={"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
            rows, cursor = rows + page["rows"], page["next_cursor"]
            if cursor is None:
                break
        assert rows == hq.get(path).json()["rows"], path
        assert len(rows) == count
        assert api.client(tenant="rival").get(path).json()["rows"] == []
        assert api.client("manager", "A").get(path, params={"store": "B"}).json()["code"] == "store_out_of_scope"
        foreign = hq.get(path, params={"cursor": write_cursor("elsewhere", ("A", "B"))})
        assert (foreign.status_code, foreign.json()["code"]) == (400, "invalid_cursor")
    wrong = [
        hq.get("/v1/tills/periods", params={"verdict": "lost"}),
        hq.get("/v1/tills/periods", params={"cash": "lost"}),
        hq.get("/v1/tills/days", params={"cursor": write_cursor("till days", ("A", "yesterday"))}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in wrong] == [
        (422, "invalid_request"),
        (422, "invalid_request"),
        (400, "invalid_cursor"),
    ]


def test_status_shows_the_read_models_of_tills(world, api):
    """Level with the log after catching up."""
    status = {row["projection"]: row for row in api.client().get("/v1/status").json()["projections"]}
    assert {name: status[name]["behind"]["events"] for name in ("till_days", "till_periods")} == {"till_days": 0, "till_periods": 0}
