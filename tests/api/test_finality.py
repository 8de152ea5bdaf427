"""Provisional, final, revised: pure over spans of rows, and over the real API for sales that came in time, late, or as history."""

import asyncio
import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.finality import Finality, by_store
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.clock import utc_now
from infra.kafka.consumer import end_offsets
from producers.publisher import tick_record
from producers.ticks import tick_events
from projections.read_models.sales_by_hour.reader import Grouping, SalesQuery, SalesRow
from projections.read_models.till_periods.receipts import LateFacts
from tests.api.alerts import publish
from tests.api.events import event_id, sale
from tests.api.running import ServedApi, config, served
from tests.projections.applying import apply_log

FIRST, UNTIL = date(2026, 3, 1), date(2026, 4, 15)
SEALED = date(2026, 3, 18)
CAME = datetime(2026, 4, 1, tzinfo=UTC)
TODAY = utc_now().replace(hour=1, minute=0, second=0, microsecond=0)
"""Ten in the morning in Seoul."""
OLD, RECENT = TODAY - timedelta(days=10), TODAY - timedelta(days=2)


def row(bucket: Any = None, store: str | None = None, currency: str = "KRW", first: date = FIRST, last: date = UNTIL) -> SalesRow:
    """Make a row; only its key and its dates matter."""
    sums: Any = (0, 0, 0, 0, 0, 0, 0, Decimal(0), 0, None, None)
    return SalesRow(store, bucket, None, currency, *sums, first, last)


def finality(*group_by: Grouping, late: list[LateFacts] | None = None, until: date = UNTIL) -> Finality:
    """A and B are sealed up to a Wednesday, C a day less and in another currency."""
    sealed = {"A": SEALED, "B": SEALED, "C": SEALED - timedelta(days=1)}
    query = SalesQuery(("A", "B", "C"), FIRST, until, group_by)
    return Finality(query, sealed, {"A": "KRW", "B": "KRW", "C": "GBP"}, by_store(late or []))


def test_a_row_is_final_when_every_date_that_it_spans_is():
    """Weeks and months reach to their end, or to that of the question; without a store the last to be sealed decides."""
    days = finality("store", "day")
    assert [days.of_row(row(SEALED + timedelta(days=n), "A", first=SEALED + timedelta(days=n), last=SEALED + timedelta(days=n))).status
            for n in (0, 1)] == ["final", "provisional"]  # fmt: skip
    monday = SEALED - timedelta(days=SEALED.weekday())
    assert [finality("week").of_row(row(monday - timedelta(days=7 * n))).status for n in (0, 1)] == ["provisional", "final"]
    assert finality("week", until=SEALED - timedelta(days=1)).of_row(row(monday)).status == "final"
    assert finality("month").of_row(row(FIRST)).status == "provisional"
    assert finality("month", until=SEALED).of_row(row(FIRST)).status == "provisional"
    assert [finality("store", until=SEALED).of_row(row(store=name)).status for name in ("A", "C")] == ["final", "provisional"]
    assert finality().of_answer().status == "provisional"
    assert (finality().final_until, finality(until=SEALED - timedelta(days=1)).of_answer().status) == (SEALED - timedelta(days=1), "final")


def test_late_facts_revise_the_rows_that_they_belong_to():
    """By store, date and currency of the store; a row that is still provisional tells of them without being revised."""
    late = [LateFacts("A", FIRST, 2, CAME), LateFacts("C", FIRST, 1, CAME + timedelta(days=1))]
    days = finality("store", "day", late=late)
    of_a, of_b = (days.of_row(row(FIRST, name, first=FIRST, last=FIRST)) for name in "AB")
    assert (of_a.status, of_a.late_facts, of_a.last_late_at) == ("revised", 2, CAME)
    assert (of_b.status, of_b.late_facts, of_b.last_late_at) == ("final", 0, None)
    whole = finality(late=late, until=FIRST)
    assert [(found.late_facts, found.status) for found in map(whole.of_row, (row(), row(currency="GBP")))] == [
        (2, "revised"),
        (1, "revised"),
    ]
    assert (whole.of_answer().late_facts, whole.of_answer().last_late_at) == (3, CAME + timedelta(days=1))
    assert (finality("month", late=late).of_row(row(FIRST)).status, finality("month", late=late).of_row(row(FIRST)).late_facts) == (
        "provisional",
        2,
    )


def test_nothing_is_final_without_a_clock():
    """Unknown is said as unknown."""
    assert Finality(SalesQuery(("A",), FIRST, FIRST), {}, {"A": "KRW"}, {}).of_answer().status == "provisional"


@pytest.fixture
def told(stores: Addresses, api: ServedApi) -> Addresses:
    """Sell in A lately and, told only now, ten days ago; B's sale of then is loaded as history."""
    documents = [
        sale("A", "late", at=OLD),
        sale("A", "recent", at=RECENT),
        sale("B", "history", at=OLD, history=True),
    ]
    assert api.client().post("/v1/events", json=documents).json()["accepted"] == 3
    apply_log(stores, "stores", "sales", "till_periods")
    return stores


@pytest.mark.stack
def test_rows_and_answer_say_their_status(told, api):
    """What came in the last week is provisional, what came after its week revises, a loaded history is final as it is."""
    client = api.client()
    body = client.get("/v1/kpis/sales", params={"group_by": ["store", "day"]}).json()
    found = {(each["store_id"], each["period"]): (each["status"], each["late_facts"]) for each in body["rows"]}
    assert found == {
        ("A", str(OLD.date())): ("revised", 1),
        ("A", str(RECENT.date())): ("provisional", 0),
        ("B", str(OLD.date())): ("final", 0),
    }
    assert (body["status"], body["late_facts"]) == ("provisional", 1)
    assert OLD.date() < date.fromisoformat(body["final_until"]) < RECENT.date()
    (late,) = [each for each in body["rows"] if each["status"] == "revised"]
    assert utc_now() - timedelta(minutes=2) < datetime.fromisoformat(late["last_late_at"]) < utc_now()
    before = client.get("/v1/kpis/sales", params={"until": body["final_until"]}).json()
    assert (before["status"], before["late_facts"]) == ("revised", 1)
    assert {each["currency"]: each["status"] for each in before["rows"]} == {"KRW": "revised", "GBP": "final"}
    own = api.client("manager", "B").get("/v1/kpis/sales", params={"until": str(OLD.date())}).json()
    assert (own["status"], own["late_facts"], own["last_late_at"]) == ("final", 0, None)


@pytest.mark.stack
def test_tables_carry_the_status(told, api):
    """A column a row, and of the whole in headers."""
    answer = api.client().get("/v1/kpis/sales", params={"group_by": ["store", "hour"], "format": "csv", "until": str(OLD.date())})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(each["store_id"], each["status"], each["late_facts"]) for each in rows] == [("A", "revised", "1"), ("B", "final", "0")]
    assert [bool(each["last_late_at"]) for each in rows] == [True, False]
    assert answer.headers["x-status"] == "revised"
    assert answer.headers["x-final-until"]


@pytest.mark.stack
def test_a_late_correction_revises_too(told, api):
    """That a sale did not occur changes its day as much as a sale does."""
    wrong = {"corrects_event_id": str(event_id("B", "history")), "corrects_type": "sale.completed.v1"}
    data = wrong | {"corrects_occurred_at": OLD.isoformat(), "kind": "did_not_occur", "reason": "a mistake"}
    other = {"type": "event.corrected.v1", "data": data | {"reason": "twice"}}
    assert api.client().post("/v1/events", json=[sale("B", "undo", at=OLD) | other, sale("B", "more", at=OLD)]).json()["accepted"] == 2
    apply_log(told, "stores", "sales", "till_periods")
    body = api.client().get("/v1/kpis/sales", params={"store": "B", "until": str(OLD.date())}).json()
    assert [(each["transactions"], each["status"], each["late_facts"]) for each in body["rows"]] == [(1, "revised", 2)]


@pytest.mark.stack
def test_a_stack_of_simulated_time_has_the_clock_of_its_ticks(told):
    """Before the first, nothing is final; then what came after its week by the ticks revises its day, and nothing else does."""
    day, sealed = OLD.date(), OLD + timedelta(days=8)
    asked = {"group_by": ["store", "day"], "until": str(day)}
    with served(config(told, time="simulated")) as api:
        before = api.client().get("/v1/kpis/sales", params=asked).json()
        asyncio.run(_tick(told, sealed))
        apply_log(told, "till_periods")
        final = api.client().get("/v1/kpis/sales", params=asked).json()
        assert api.client().post("/v1/events", json=[sale("A", "later", at=OLD)]).json()["accepted"] == 1
        apply_log(told, "sales", "till_periods")
        after = api.client().get("/v1/kpis/sales", params=asked).json()
    assert (before["status"], before["late_facts"], before["final_until"]) == ("provisional", 0, None)
    assert (final["status"], final["late_facts"], final["final_until"]) == ("final", 0, str(day))
    found = {each["store_id"]: (each["status"], each["late_facts"], each["transactions"]) for each in after["rows"]}
    assert found == {"A": ("revised", 1, 2), "B": ("final", 0, 1)}


async def _tick(addresses: Addresses, at: datetime) -> None:
    ends = await end_offsets(addresses.kafka_bootstrap, [STORE_FACTS], addresses.topic_prefix)
    await publish(addresses, [tick_record(each) for each in tick_events("tests", at, len(ends), "simulated")])
