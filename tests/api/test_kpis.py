"""Sales KPIs over rows that the real projection made: right sums, right days and hours, right stores, and how fresh."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.cursors import write_cursor
from infra.clock import utc_now
from tests.api.events import sale
from tests.api.running import ServedApi
from tests.api.world import projected
from tests.waiting import until

pytestmark = pytest.mark.stack

DAY = (utc_now() - timedelta(days=10)).replace(hour=0, minute=0, second=0, microsecond=0)
"""Ten days ago, midnight UTC: nine in the morning in Seoul."""


def pounds(name: object, minutes: int) -> dict:
    """Make a sale of 2 × 1.25 pounds less 50 pence, with postage, in London."""
    lines = [
        {"line": 1, "sku": "TEA", "quantity": "2", "unit_price": "1.25", "gross": 250, "discount": 50},
        {"line": 2, "kind": "service", "sku": "POST", "quantity": "1", "unit_price": "3", "gross": 300},
    ]
    data = {"receipt_id": f"R-{name}", "currency": "GBP", "lines": lines}
    return sale("B", name, at=DAY + timedelta(hours=12, minutes=minutes), data=data)


def sales() -> list[dict]:
    """Three sales in Seoul, of which one before the cut-off, and two in London."""
    return [
        sale("A", 1, at=DAY, amount=5000),
        sale("A", 2, at=DAY + timedelta(minutes=30), amount=3000),
        sale("A", 3, at=DAY + timedelta(hours=19), amount=1000),
        pounds(1, 0),
        pounds(2, 1),
    ]


@pytest.fixture
def sold(stores, api: ServedApi) -> Iterator[list[str]]:
    """Post the sales and let the projection run; yields the positions of the sales."""
    with projected(stores, "stores", "sales"):
        results = api.client().post("/v1/events", json=sales()).json()["results"]
        yield [f"{p['topic']}/{p['partition']}/{p['offset']}" for p in (row["position"] for row in results)]


def read(client: httpx.Client, positions: list[str], **parameters) -> dict:
    """Ask once the positions are applied."""
    answer = client.get("/v1/kpis/sales", params={"min_position": positions, "wait_ms": 10_000, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


WRONG = (
    ({"from": "yesterday"}, 422, "invalid_request"),
    ({"from": "0001-01-01"}, 422, "invalid_request"),
    ({"until": "9999-12-31"}, 422, "invalid_request"),
    ({"group_by": "receipt"}, 422, "invalid_request"),
    ({"group_by": ["day", "hour"]}, 422, "invalid_request"),
    ({"store": "\x00"}, 422, "invalid_request"),
    ({"store": "x" * 121}, 422, "invalid_request"),
    ({"cursor": "bm90IG91cnM"}, 400, "invalid_cursor"),
    ({"cursor": write_cursor("sales:store", ("", "", "", "", "GBP")), "group_by": "store"}, 400, "invalid_cursor"),
    ({"cursor": write_cursor("sales:day", ("0001-01-01", "", "", "", "GBP")), "group_by": "day"}, 400, "invalid_cursor"),
    ({"limit": "0"}, 422, "invalid_request"),
    ({"min_position": "store-facts-v1/0"}, 422, "invalid_request"),
    ({"min_position": "alerts-v1/0/1"}, 422, "invalid_request"),
    ({"min_position": "store-facts-v1/0/999999", "wait_ms": "50"}, 503, "position_not_reached"),
    ({"store": "X"}, 403, "store_out_of_scope"),
)


def test_sums_are_right_apart_by_currency_and_services_never_count(api, sold):
    """Net sales, transactions, both averages; minor units, and majors with the digits of the currency."""
    body = read(api.client(), sold)
    won, pound = sorted(body["totals"], key=lambda row: row["currency"], reverse=True)
    assert (won["currency"], won["net_sales"], won["transactions"], won["units"]) == ("KRW", {"minor": 9000, "major": "9000"}, 3, "6")
    assert won["average_transaction_value"] == {"minor": "3000.0000", "major": "3000.0000"}
    assert won["units_per_transaction"] == "2.0000"
    assert (pound["net_sales"], pound["gross_sales"]["minor"], pound["discounts"]["minor"]) == ({"minor": 400, "major": "4.00"}, 500, 100)
    assert (pound["service_amount"]["major"], pound["transactions"]) == ("6.00", 2)
    assert pound["average_transaction_value"] == {"minor": "200.0000", "major": "2.000000"}
    assert body["behind"] == {"events": 0, "seconds": 0.0}
    assert abs(datetime.fromisoformat(body["as_of"]) - utc_now()) < timedelta(minutes=2)
    assert body["generation"] == 1


def test_days_and_hours_are_those_of_the_store(api, sold):
    """04:00 in Seoul belongs to the day before; hours carry the store's offset; weeks begin on Monday."""
    hq = api.client()
    days = read(hq, sold, group_by=["store", "day"])["rows"]
    assert [(row["store_id"], row["period"], row["transactions"]) for row in days] == [("A", str(DAY.date()), 3), ("B", str(DAY.date()), 2)]
    hours = read(hq, sold, group_by=["store", "hour"], store="A")["rows"]
    seoul = [datetime.fromisoformat(row["hour"]) for row in hours]
    assert [moment.astimezone(UTC) - DAY for moment in seoul] == [timedelta(0), timedelta(hours=19)]
    assert {moment.utcoffset() for moment in seoul} == {timedelta(hours=9)}
    (week,) = read(hq, sold, group_by=["week"], store="B")["rows"]
    assert week["period"] == str(DAY.date() - timedelta(days=DAY.weekday()))
    (month,) = read(hq, sold, group_by=["month"], store="B")["rows"]
    assert month["period"] == str(DAY.date().replace(day=1))
    before = read(hq, sold, until=str(DAY.date() - timedelta(days=1)))
    assert (before["rows"], before["totals"]) == ([], [])


def test_scope_and_parameters_are_checked_before_anything_is_read(api, sold):
    """A manager reads the own store in rows and totals, HQ its own chain; a wrong parameter is a problem, never a silent default."""
    own = read(api.client("manager", "A"), sold, group_by="store")
    assert [row["store_id"] for row in own["rows"]] == ["A"]
    assert [total["currency"] for total in own["totals"]] == ["KRW"]
    assert read(api.client(tenant="rival"), sold)["totals"] == []
    hq = api.client()
    answers = [hq.get("/v1/kpis/sales", params=parameters) for parameters, _, _ in WRONG]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(status, code) for _, status, code in WRONG]


def test_pages_and_spreadsheets_hold_the_same_rows(api, sold):
    """Followed by its cursor, a page of one row leads to every row once, totals cover all; CSV by header or by parameter."""
    hq, rows, cursor = api.client(), [], {}
    for _ in range(10):
        page = read(hq, sold, group_by=["store", "hour"], limit=1, **cursor)
        rows += page["rows"]
        assert len(page["totals"]) == 2
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert rows == read(hq, sold, group_by=["store", "hour"])["rows"]
    assert len(rows) == 3

    expected = read(hq, sold, group_by="store")["rows"]
    for asked in ({"headers": {"Accept": "text/csv"}}, {"params": {"group_by": "store", "format": "csv"}}):
        answer = hq.get("/v1/kpis/sales", **({"params": {"group_by": "store"}} | asked))
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(row["store_id"], row["net_sales_minor"], row["net_sales"]) for row in rows] == [
            (row["store_id"], str(row["net_sales"]["minor"]), row["net_sales"]["major"]) for row in expected
        ]
        assert answer.headers["x-behind-events"] == "0"
    assert hq.get("/v1/kpis/sales", headers={"Accept": "image/png"}).status_code == 406


def test_a_figure_as_it_was_known_and_what_has_changed_it_since(api, sold):
    """Then + changes = now; every route of the facts keeps to the scope and has pages."""
    hq = api.client()
    before = read(hq, sold)
    known = utc_now().isoformat()
    until(lambda: utc_now() > datetime.fromisoformat(known) + timedelta(milliseconds=20), 30, "the clock goes on")
    late = sale("A", "late", at=DAY + timedelta(minutes=40), amount=700)
    late["data"] |= {"tenders": [{"kind": "cash", "amount": 700}], "channel": "online"}
    (posted,) = hq.post("/v1/events", json=[late]).json()["results"]
    place = [f"{posted['position']['topic']}/{posted['position']['partition']}/{posted['position']['offset']}"]

    now, then = read(hq, place, group_by=["store"]), read(hq, place, group_by=["store"], known_at=known)
    assert {row["store_id"]: row["net_sales"]["minor"] for row in now["rows"]} == {"A": 9700, "B": 400}
    assert ({row["store_id"]: row["net_sales"]["minor"] for row in then["rows"]}, then["known_at"]) == (
        {"A": 9000, "B": 400},
        known.replace("+00:00", "Z"),
    )
    assert then["totals"] == before["totals"]
    changes = hq.get("/v1/kpis/sales/changes", params={"since": known}).json()
    (change,) = changes["rows"]
    cut = {"since": known, "limit": 1}
    for path in ("/v1/kpis/sales/changes", "/v1/kpis/tenders"):
        page = hq.get(path, params=cut).json()
        rest = hq.get(path, params=cut | {"cursor": page["next_cursor"]}).json()
        assert (len(page["rows"]), rest["rows"], rest["next_cursor"]) == (1, [], None), path
    assert (change["event_id"], change["what"], change["net_sales"]["minor"]) == (posted["id"], "came", 700)
    assert {row["currency"]: row["net_sales_difference"]["minor"] for row in changes["totals"]} == {"GBP": 0, "KRW": 700}

    channels = read(hq, place, group_by=["channel"], limit=1, store="A")
    rest = read(hq, place, group_by=["channel"], store="A", cursor=channels["next_cursor"])
    assert [(row["channel"], row["net_sales"]["minor"]) for row in channels["rows"] + rest["rows"]] == [("online", 700), ("store", 9000)]
    (paid,) = hq.get("/v1/kpis/tenders").json()["rows"]
    assert (paid["store_id"], paid["kind"], paid["amount"]) == ("A", "cash", {"minor": 700, "major": "700"})
    assert hq.get("/v1/kpis/tenders", params={"known_at": known}).json()["rows"] == []
    cashiers = hq.get("/v1/kpis/cashiers", params={"limit": 1}).json()
    more = hq.get("/v1/kpis/cashiers", params={"cursor": cashiers["next_cursor"]}).json()
    found = [(row["store_id"], row["completed"], row["void_rate"]) for row in cashiers["rows"] + more["rows"]]
    assert found == [("A", 4, "0.0000"), ("B", 2, "0.0000")]

    other = api.client("manager", "B")
    for path in ("/v1/kpis/tenders", "/v1/kpis/cashiers", "/v1/kpis/sales/changes"):
        assert {row["store_id"] for row in other.get(path, params={"since": known}).json()["rows"]} <= {"B"}, path
        assert other.get(path, params={"since": known, "store": "A"}).status_code == 403, path
        assert api.client("staff", "B").get(path, params={"since": known}).status_code == 403, path
    assert hq.get("/v1/kpis/sales", params={"known_at": "0001-01-01T00:00:00Z"}).status_code == 422
