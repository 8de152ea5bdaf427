"""What tills really do, case by case: what is accepted, what is refused with which reason, and what the numbers are afterwards."""

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.codec import encode
from contracts.envelope import Event
from contracts.records import OutboundRecord
from contracts.topics import REFERENCE_DATA, STORE_FACTS
from infra.clock import utc_now
from infra.kafka.publisher import Publisher
from tests.api.alerts import publish
from tests.api.events import event_id
from tests.api.world import store
from tests.pos_cases.conftest import MORNING, Shop, day_of, last_sunday_of_october, line
from tests.producers.twin import retail, translated, write_twin
from tests.projections.folding import rows_of
from tests.waiting import until

pytestmark = pytest.mark.stack
TODAY = day_of(MORNING)


def test_case_01_the_same_event_twice_counts_once_and_other_content_is_refused(shop: Shop) -> None:
    """A till that repeats itself is harmless; the first content under an id stays."""
    first = shop.receipt("R1", line(unit_price="3000"))
    shop.accepted(first)
    shop.settle()

    assert shop.post(first) == [("duplicate", [])]
    assert shop.post(shop.receipt("R1", line(unit_price="9000"))) == [("rejected", [("conflicting_duplicate", "/id")])]
    assert shop.net() == {TODAY: 3000}


def test_case_02_the_same_receipt_number_under_a_new_id_is_another_event_that_can_be_taken_back(shop: Shop) -> None:
    """A reinstalled till numbers anew: identity is the id, so both count, and are told, until a correction says that one did not occur."""
    again = shop.receipt("R1") | {"id": "0198c0de-0000-7000-8000-0000000000a2"}
    shop.accepted(shop.receipt("R1"), shop.receipt("R2"))
    assert shop.twice() == []
    shop.accepted(again)
    assert shop.net() == {TODAY: 3000}
    assert shop.twice() == [("R1", [shop.receipt("R1")["id"], again["id"]])]

    wrong = {"corrects_event_id": again["id"], "corrects_type": "sale.completed.v1", "corrects_occurred_at": MORNING.isoformat()}
    shop.accepted(shop.event("event.corrected.v1", "undo", {**wrong, "kind": "did_not_occur", "reason": "reinstalled till"}))
    assert shop.net() == {TODAY: 2000}
    assert shop.twice() == []


def test_case_03_a_batch_a_week_late_lands_on_its_own_days(shop: Shop) -> None:
    """Also on days that are closed, also from two tills with one device id: each sale counts on the day it was made."""
    days = [MORNING - timedelta(days=n) for n in range(8)]
    batch = [shop.receipt(f"R{n}", at=at) | {"deviceid": "till-1", "deviceseq": 7} for n, at in enumerate(days)]
    shop.accepted(*batch)
    assert shop.net() == {day_of(at): 1000 for at in days}


def test_case_04_a_refund_or_void_before_its_sale_waits_for_nothing(shop: Shop) -> None:
    """Orphans are rows like any other: the sum is the same in whatever order they come."""
    sale_id = shop.receipt("R1")["id"]
    shop.accepted(
        shop.receipt("T1", kind="sale.returned.v1", original_event_id=sale_id),
        shop.receipt("V1", kind="sale.voided.v1", phase="after_completion", voided_event_id=shop.receipt("R2")["id"]),
    )
    assert shop.net() == {TODAY: -2000}
    shop.accepted(shop.receipt("R1"), shop.receipt("R2"))
    assert shop.net() == {TODAY: 0}


def test_case_05_a_wrong_clock_is_kept_and_flagged_or_refused_with_its_date(shop: Shop) -> None:
    """Minutes ahead: kept under the device's time. 1970 or next year: no business date, kept in quarantine."""
    ahead, epoch, next_year = (
        utc_now() + timedelta(minutes=30),
        datetime(1971, 1, 1, tzinfo=ZoneInfo("UTC")),
        utc_now() + timedelta(days=300),
    )
    outcomes = shop.post(*(shop.receipt(f"R{n}", at=at) for n, at in enumerate((ahead, epoch, next_year))))
    late = ("rejected", [("business_date_out_of_bounds", "/time")])

    assert outcomes == [("accepted", []), late, late]
    assert shop.net() == {day_of(ahead): 1000}
    kept = until(lambda: shop.client.get("/v1/quarantine", params={"store": shop.store_id}).json()["rows"], 30, "they are in quarantine")
    assert {row["code"] for row in kept} == {"business_date_out_of_bounds"}


def test_case_06_a_return_a_year_later_counts_on_its_own_day(shop: Shop) -> None:
    """368 days are the longest seen in the trade; the return needs no state of the sale."""
    then = MORNING - timedelta(days=368)
    shop.accepted(shop.receipt("R1", at=then), shop.receipt("T1", kind="sale.returned.v1", original_event_id=shop.receipt("R1")["id"]))
    assert shop.net() == {day_of(then): 1000, TODAY: -1000}


def test_case_07_returns_beyond_the_sale_unlinked_or_from_elsewhere_are_facts_too(shop: Shop) -> None:
    """Twice, more than was bought, without a sale, to another tender: all count, for the goods and the money did come back."""
    linked = {"kind": "sale.returned.v1", "original_event_id": shop.receipt("R1")["id"], "original_store_id": "P06"}
    shop.accepted(
        shop.receipt("R1", line(quantity="2")),
        shop.receipt("T1", line(quantity="2"), tenders=[{"kind": "cash", "amount": 2000}], **linked),
        shop.receipt("T2", line(quantity="3"), **linked),
        shop.receipt("T3", kind="sale.returned.v1"),
    )
    row = shop.day()
    assert (row["gross_sales"]["minor"], row["returns"]["minor"], row["transactions"]) == (2000, 6000, 1)


def test_case_08_a_void_after_the_day_closed_reverses_on_its_own_date(shop: Shop) -> None:
    """The day of the sale stays as it was reported; a void before completion never counts."""
    later = MORNING + timedelta(days=1)
    shop.accepted(
        shop.receipt("R1"),
        shop.receipt("V1", kind="sale.voided.v1", phase="after_completion", at=later, voided_event_id=shop.receipt("R1")["id"]),
        shop.receipt("V2", kind="sale.voided.v1", phase="before_completion"),
    )
    assert shop.net() == {TODAY: 1000, day_of(later): -1000}


def test_case_09_negative_lines_without_a_cancel_mark_are_write_offs(shop: Shop, tmp_path) -> None:
    """In a file: stock goes down, sales do not change. Over HTTP: a negative quantity is refused, for what a line is must be said."""
    translation, events = translated(write_twin(tmp_path / "twin.csv", receipts=200), retail())
    adjusted = [found for found in events if found.event.type == "stock.adjusted.v1"]
    assert translation.tally.classes["write_off"] > 0
    assert {found.event.data.reason for found in adjusted} <= {"write_off", "found"}
    assert shop.post(shop.receipt("R1", line(quantity="-1", gross=-1000))) == [
        ("rejected", [("greater_than", "/data/lines/0/quantity"), ("greater_than_equal", "/data/lines/0/gross")])
    ]


def test_case_10_zero_prices_negative_prices_and_service_codes(shop: Shop) -> None:
    """Given away: a sale of nothing that moves stock. A negative price: refused. A service line: no net sale, no stock."""
    shop.accepted(shop.receipt("R1", line(unit_price="0"), line(2, "POST", unit_price="3000", kind="service")))
    assert shop.post(shop.receipt("R2", line(unit_price="-5", gross=-5)))[0][0] == "rejected"
    row = shop.day()
    assert (row["net_sales"]["minor"], row["service_amount"]["minor"], row["transactions"], row["units"]) == (0, 3000, 1, "1")
    assert shop.stock() == {"MILK-1L": "-1"}


def test_case_11_overrides_below_cost_unknown_goods_and_leading_zeros(shop: Shop) -> None:
    """An overridden price carries the one on the shelf; a GTIN keeps its zeros; a line without SKU is refused at its place."""
    shop.accepted(shop.receipt("R1", line(unit_price="100", list_price="3200", gtin="00012345678905"), line(2, "NEVER-HEARD-OF")))
    missing = line()
    del missing["sku"]
    assert shop.post(shop.receipt("R2", line(), {**missing, "line": 2})) == [("rejected", [("missing", "/data/lines/1/sku")])]
    assert shop.net() == {TODAY: 1100}


def test_case_12_equal_lines_of_one_receipt_all_count(shop: Shop) -> None:
    """Lines are told apart by their number, never by their content."""
    shop.accepted(shop.receipt("R1", line(1), line(2), line(3)))
    assert (shop.net(), shop.stock()) == ({TODAY: 3000}, {"MILK-1L": "-3"})
    assert shop.post(shop.receipt("R2", line(1), line(1)))[0] == ("rejected", [("value_error", "/data")])


def test_case_13_many_tenders_change_tips_gift_cards_and_cash_rounding(shop: Shop) -> None:
    """Σ tenders = total + tips + change; a gift card that is sold is no sale, one that pays is a tender; ten won are rounded."""
    shop.accepted(
        shop.receipt(
            "R1",
            line(unit_price="10007"),
            total=10000,
            rounding_adjustment=-7,
            tenders=[{"kind": "gift_card", "amount": 4000}, {"kind": "cash", "amount": 10500, "change": 4000, "tip": 500}],
        ),
        shop.receipt(
            "R2", line(sku="GIFTCARD", unit_price="50000", kind="service"), total=50000, tenders=[{"kind": "card", "amount": 50000}]
        ),
    )
    wrong = shop.receipt("R3", total=1000, tenders=[{"kind": "cash", "amount": 500}])
    assert shop.post(wrong) == [("rejected", [("value_error", "/data")])]
    row = shop.day()
    assert (row["net_sales"]["minor"], row["service_amount"]["minor"], row["transactions"]) == (10007, 50000, 1)


def test_case_14_taxes_inside_or_on_top_and_a_minor_unit_that_rounding_lost(shop: Shop) -> None:
    """Net sales are without tax either way; several rates and exempt goods stand side by side."""
    shop.accepted(
        shop.receipt("R1", line(unit_price="11000", tax=1000, tax_included=True, tax_rate="10"), total=11000),
        shop.receipt("R2", line(unit_price="10000", tax=1000, tax_rate="10"), total=11000),
        shop.receipt("R3", line(unit_price="500", tax_rate="0"), line(2, unit_price="333", tax=33, tax_rate="10"), total=867),
    )
    assert shop.post(shop.receipt("R4", line(unit_price="500"), total=400)) == [("rejected", [("value_error", "/data")])]
    assert shop.net() == {TODAY: 10000 + 10000 + 833}


def test_case_15_weighed_goods_and_packs(shop: Shop) -> None:
    """0.375 kg are rounded half up per line and the remainder is told; a delivery comes unpacked."""
    shop.accepted(
        shop.event("stock.received.v1", "D1", {"delivery_id": "D1", "lines": [{"line": 1, "sku": "APPLE-KG", "quantity": "10"}]}),
        shop.receipt("R1", line(sku="APPLE-KG", quantity="0.375", unit_price="12900", gross=4838), rounding_remainder="-0.5"),
    )
    assert (shop.net(), shop.stock()) == ({TODAY: 4838}, {"APPLE-KG": "9.625"})
    assert shop.day()["units"] == "0.375"


def test_case_16_money_that_cannot_be_is_refused_at_its_place(shop: Shop) -> None:
    """An unknown currency, another country's, and won with decimals."""
    data = {"receipt_id": "R1", "lines": [line()]}
    outcomes = shop.post(
        shop.event("sale.completed.v1", "R1", {**data, "currency": "XXX"}),
        shop.event("sale.completed.v1", "R2", {**data, "currency": "GBP", "lines": [line(unit_price="10", gross=1000)]}),
        shop.receipt("R3", line(gross=1000.5)),
    )
    assert [problems for _, problems in outcomes] == [
        [("value_error", "/data/currency")],
        [("other_currency", "/data/currency")],
        [("int_from_float", "/data/lines/0/gross")],
    ]
    assert shop.sales() == []


def test_case_17_training_and_suspended_receipts_never_count(shop: Shop) -> None:
    """They are kept; recalled and paid, a receipt comes as a completed sale."""
    shop.accepted(
        shop.receipt("T1", kind="sale.practised.v1"),
        shop.receipt("S1", kind="sale.suspended.v1"),
        shop.receipt("R1", line(unit_price="700")),
    )
    assert (shop.net(), shop.stock()) == ({TODAY: 700}, {"MILK-1L": "-1"})


def test_case_18_the_repeated_hour_is_two_hours_of_one_day(london: Shop) -> None:
    """Clocks go back at two: half past one comes twice, each time is an hour of its own, and midnight begins the next day."""
    sunday, zone = last_sunday_of_october(), ZoneInfo("Europe/London")
    first = datetime(sunday.year, sunday.month, sunday.day, 1, 30, tzinfo=zone)
    moments = [first, first.replace(fold=1), first.replace(hour=23, minute=59), first + timedelta(days=1, hours=-1, minutes=-30)]
    receipts = [london.receipt(f"R{n}", line(unit_price="10", gross=1000), at=at) for n, at in enumerate(moments)]
    london.accepted(*receipts)

    hours = [row["hour"] for row in london.sales("store", "hour")]
    assert hours[:2] == [f"{sunday}T01:00:00+01:00", f"{sunday}T01:00:00Z"]
    assert [row["transactions"] for row in london.sales()] == [3, 1]


def test_case_19_a_poison_message_is_a_dead_letter_and_its_neighbours_count(shop: Shop) -> None:
    """Bytes that nobody can read, put on the log past the edge: kept as a row, and the sale behind them counts."""

    async def poison() -> None:
        headers = [("ce_type", b"sale.completed.v1"), ("ce_storeid", shop.store_id.encode()), ("ce_id", b"x")]
        async with Publisher(shop.place.kafka_bootstrap, "tests", shop.place.topic_prefix) as publisher:
            await publisher.publish_all([OutboundRecord(STORE_FACTS, shop.store_id.encode(), b"{", headers)])

    asyncio.run(poison())
    shop.accepted(shop.receipt("R1"))
    assert shop.net() == {TODAY: 1000}
    assert letters_of(shop) >= {"event_index", "sales", "stock_on_hand"}


def letters_of(shop: Shop) -> set[str]:
    """Return which models have a dead letter of the store."""
    rows = rows_of(shop.place, "SELECT projection, key FROM delivery.dead_letters")
    return {row["projection"] for row in rows if bytes(row["key"]) == shop.store_id.encode()}


def test_case_20_a_newer_till_beside_an_older_one(shop: Shop) -> None:
    """A field that nobody knows yet is refused at its place and kept; an old till without new fields, or without a customer, passes."""
    newer = shop.receipt("R1", loyalty_tier="gold")
    assert shop.post(newer, shop.receipt("R2")) == [("rejected", [("extra_forbidden", "/data/loyalty_tier")]), ("accepted", [])]
    assert shop.net() == {TODAY: 1000}


def test_case_21_a_card_cancel_names_the_approval_it_cancels(shop: Shop) -> None:
    """In Korea the original approval number and date identify the payment; a part may be cancelled."""
    card = [{"kind": "card", "amount": 5000, "approval_code": "30012345", "approved_on": TODAY}]
    cancelled = {"original_approval_code": "30012345", "original_approved_on": TODAY, "approver_id": "E-7"}
    shop.accepted(
        shop.receipt("R1", line(quantity="5"), total=5000, tenders=card),
        shop.receipt(
            "T1", line(quantity="2"), kind="sale.returned.v1", total=2000, tenders=[{"kind": "card", "amount": 2000}], **cancelled
        ),
    )
    assert shop.net() == {TODAY: 3000}
    phone = shop.receipt("R2", total=1000, tenders=[{"kind": "cash", "amount": 1000, "cash_receipt": "010-1234-5678"}])
    assert shop.post(phone) == [("rejected", [("string_pattern_mismatch", "/data/tenders/0/cash_receipt")])]


def test_case_22_a_store_that_was_merged_keeps_its_past(shop: Shop) -> None:
    """A version with a last day and an alias says where it goes on; what it sold stays its own, and late receipts still land."""
    merged = store(shop.store_id, "Asia/Seoul", "KRW", "KR", 5)
    data = merged.data.model_copy(update={"version": 2, "closed_on": MORNING.date(), "alias_of": "P21"})
    version = Event(merged.envelope.model_copy(update={"id": event_id("merged", shop.store_id)}), data)
    asyncio.run(publish(shop.place, [encode(version, topic) for topic in (REFERENCE_DATA, STORE_FACTS)]))
    shop.accepted(shop.receipt("R1"), shop.receipt("R2", at=MORNING - timedelta(days=30)))
    assert shop.net() == {day_of(MORNING - timedelta(days=30)): 1000, TODAY: 1000}
    assert shop.store_id in {row["store_id"] for row in shop.client.get("/v1/stores").json()["rows"]}
