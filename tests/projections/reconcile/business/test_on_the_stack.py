"""The checks over real read models: a chain in which nothing is wrong, one with injected faults, a day with one of each, and damage."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import psycopg
import pytest

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.reference import WEEKDAYS
from contracts.events.registry import POLICY_SET, SALE_RETURNED, STORE_DEFINED
from contracts.events.till import TillClosed
from contracts.identifiers import derived_id
from infra.addresses import Addresses
from infra.clickhouse.client import writer
from producers.simulator.faults import ALL
from producers.simulator.generate import generate
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.world import SimulatedRecord
from projections.reconcile.checks import CheckOutcome, Scope
from tests.places import new_place
from tests.projections.reconcile.business.telling import arrivals, check, said, tell
from tests.projections.story import RECORDED, START, adjusted, at, corrected, counted, event
from tests.projections.till_story import closed, heartbeat, line, numbered, opened, receipt, renamed, returned, voided

pytestmark = pytest.mark.stack

DAY, NEXT = START.date(), START.date() + timedelta(days=1)
SEALED = RECORDED + timedelta(days=30)
OPEN = START + timedelta(days=2)
CASH = [{"kind": "cash", "amount": 500}]


class Teller:
    """One place for all tests: a story is told from zero, but not a second time while nothing has changed since."""

    def __init__(self, place: Addresses) -> None:
        self.place = place
        self._told: Callable[[], list[Event[Any]]] | None = None

    def tell(self, story: Callable[[], list[Event[Any]]]) -> Addresses:
        """Tell a story, each event recorded when it happened."""
        if self._told is not story:
            tell(self.place, recorded(story()))
            self._told = story
        return self.place

    def anew(self, records: list[tuple[datetime, Event[Any]]] | None = None) -> Addresses:
        """Tell something else, or say that what was told will be damaged."""
        self._told = None
        if records is not None:
            tell(self.place, records)
        return self.place


@pytest.fixture(scope="module")
def teller(stack: Addresses, template: str) -> Iterator[Teller]:
    """Give all tests one place."""
    with new_place(stack, template) as place:
        yield Teller(place)


@cache
def simulation(faults: frozenset[str], size: float) -> tuple[list[SimulatedRecord], Injected]:
    """Simulate a small chain."""
    injected = Injected()
    options = SimulationOptions(seed=3, stores=2, days=2, scale=size, ticks=False, duplicate_share=0.1, faults=faults)
    return list(generate(options, injected)), injected


def verdicts(outcomes: dict[str, CheckOutcome]) -> dict[str, str]:
    """Return the verdict of each check."""
    return {name: outcome.verdict for name, outcome in outcomes.items()}


@pytest.mark.parametrize("size", [0.05, pytest.param(1.0, marks=pytest.mark.long)])
def test_a_chain_in_which_nothing_is_wrong_passes_every_check(teller: Teller, size: float) -> None:
    """And every check has looked at something."""
    place = teller.anew(arrivals(simulation(frozenset(), size)[0]))

    outcomes = check(place, SEALED)

    assert set(verdicts(outcomes).values()) == {"PASS"}, outcomes
    assert all(outcome.compared > 0 for outcome in outcomes.values())


@pytest.mark.parametrize("size", [0.05, pytest.param(1.0, marks=pytest.mark.long)])
def test_faults_of_a_chain_are_found_where_they_were_put_in_and_nowhere_else(teller: Teller, size: float) -> None:
    """Lost receipts by number and Z report; repeats, corrections, late and offline tills and conflicting duplicates are none."""
    records, injected = simulation(ALL, size)
    place = teller.anew(arrivals(records))

    outcomes = check(place, SEALED)

    lost = [(store, subject) for store, subject, _ in unreadable(records)] + [
        (gap.store_id, gap.subject) for gap in injected.places["sequence_gaps"]
    ]
    assert injected.counts["sequence_gaps"] > 0
    assert {(store, subject) for store, _, subject in said(outcomes["z_reports"])} <= {
        (store, f"period {period} of till {str(period)[-2:]}") for store, period in lost
    }
    assert {(store, subject) for store, _, subject in said(outcomes["z_reports"])} >= {
        (gap.store_id, f"period {gap.subject} of till {gap.device}") for gap in injected.places["sequence_gaps"]
    }
    numbers = {(gap.store_id, gap.device, gap.figures["device_seq"]) for gap in injected.places["sequence_gaps"]}
    assert missing_numbers(outcomes["sequence_gaps"]) == len(numbers | {number for _, _, number in unreadable(records)})
    assert {outcomes[name].verdict for name in ("tenders", "stock_ledger", "receipts_twice")} == {"PASS"}
    over = {id_ for again in injected.places["returns_over_remaining"] for id_ in again.event_ids}
    assert {finding.event_ids[0] for finding in outcomes["orphan_refunds"].findings} <= over | returned_beside(records, over)


def unreadable(records: list[SimulatedRecord]) -> list[tuple[str, Any, tuple[str, str | None, int | None]]]:
    """Return of events that a clock of 1970 dated their store, their till period, and the number of their device."""
    found: list[tuple[str, Any, tuple[str, str | None, int | None]]] = []
    for record in records:
        envelope = record.event.envelope
        if envelope.occurred_at.year == 1970 and envelope.device_seq is not None and not record.repeat:
            number = (envelope.store_id, envelope.device_id, envelope.device_seq)
            found.append((envelope.store_id, getattr(record.event.data, "period_id", None), number))
    return found


def returned_beside(records: list[SimulatedRecord], over: set[str]) -> set[str]:
    """Return the other returns of the same sales: where one comes after what was put in, it is the one for which too little is left."""
    sale_of = {str(record.event.id): getattr(record.event.data, "original_event_id", None) for record in records}
    sales = {sale_of[id_] for id_ in over} - {None}
    return {id_ for id_, sale in sale_of.items() if sale in sales}


def missing_numbers(outcome: CheckOutcome) -> int:
    """Add up the numbers that are missing."""
    return sum(int(finding.observed or 0) for finding in outcome.findings if finding.unit == "numbers")


def defined(store: str, *tills: str, **more: Any) -> Event[Any]:
    """Define a store with its tills."""
    settings = {
        "version": 1, "effective_from": START - timedelta(days=1), "store_id": store, "name": "Store", "timezone": "Europe/London",
        "currency": "GBP", "country": "GB", "cut_off_hour": 0, "tills": tills, **more,
    }  # fmt: skip
    return event(STORE_DEFINED, "store", START, settings, store)


def a_store() -> list[Event[Any]]:
    """Define a store of three tills, and how far its counts may lie from the book."""
    parameters = {"policy": "reconciliation", "count_units": "1"}
    policy = {"version": 1, "effective_from": START - timedelta(days=1), "parameters": parameters}
    return [defined("S1", "1", "2", "3"), event(POLICY_SET, "policy", START, policy, CHAIN_WIDE)]


def z_report(period: str, day: int, **figures: Any) -> Event[Any]:
    """Close a period of till 1, of one sale for five pounds in cash."""
    agreed: dict[str, Any] = {
        "sales_count": 1,
        "gross": 500,
        "tenders": [{"kind": "cash", "count": 1, "amount": 500}],
        "expected_cash": 10_500,
        "counted_cash": 10_500,
    }
    since = day * 24 * 60
    return closed(period, at(since), at(since + 600), **agreed | figures)


def good_days() -> list[Event[Any]]:
    """Two days on which all agree."""
    story = [*a_store(), counted("count", at(0), 10, "RICE"), adjusted("waste", at(5), -2, "RICE"), counted("again", at(9), 8, "RICE")]
    for number in (0, 1):
        since, day = number * 24 * 60, DAY + timedelta(days=number)
        story += [
            opened(f"P{number}", at(since), float_amount=10_000),
            receipt(f"R{number}", at(since + 30), line(500), period=f"P{number}", tenders=CASH, day=day),
            z_report(f"P{number}", number, z_number=7 + number),
            *(heartbeat(f"beat {till}/{number}", at(since + 40), till=till) for till in ("1", "2", "3")),
        ]
    return story


def recorded(story: list[Event[Any]]) -> list[tuple[datetime, Event[Any]]]:
    """Let everything be recorded within its own day."""
    return [(happened.envelope.occurred_at, happened) for happened in story]


def sold(story: list[Event[Any]], name: str) -> Event[Any]:
    """Return a sale of the story by its number."""
    return next(each for each in story if getattr(each.data, "receipt_id", None) == name)


def test_two_days_on_which_all_agree_pass(teller: Teller) -> None:
    """What the next tests break is whole before."""
    place = teller.tell(good_days)

    outcomes = check(place, SEALED)

    assert set(verdicts(outcomes).values()) == {"PASS"}, outcomes
    assert {name: outcome.compared for name, outcome in outcomes.items()} == {
        "z_reports": 2,
        "tenders": 2,
        "stock_ledger": 3,
        "orphan_refunds": 0,
        "sequence_gaps": 2,
        "receipts_twice": 1,
    }


def bad_days() -> list[Event[Any]]:
    """The same two days with one of each thing that can be wrong."""
    story = [each for each in good_days() if not (isinstance(each.data, TillClosed) and each.data.period_id == "P1")]
    nobody, sale = str(derived_id("test", "nobody")), str(sold(story, "R0").id)
    second = z_report("P0", 0, z_number=7, gross=501)
    return [
        *(each for each in story if getattr(each.data, "till_id", None) != "3"),
        z_report("P1", 1, z_number=9, sales_count=2, counted_cash=9_900),
        replace(second, envelope=second.envelope.model_copy(update={"id": derived_id("test", "second closing")})),
        defined("S2", "1"),
        heartbeat("beat", at(40), store="S2"),
        defined("S4", "1", closed_on=DAY),
        heartbeat("last beat", at(40), store="S4"),
        defined("S5", "1", hours=[{"weekday": WEEKDAYS[DAY.weekday()], "opens": "08:00", "closes": "20:00"}]),
        heartbeat("before the day of rest", at(40), store="S5"),
        closed("early", at(-60), at(-1), z_number=6),
        opened("P2", at(100), till="2"),
        renamed(receipt("R0 again", at(700), line(500), tenders=CASH), "R0"),
        receipt("R3", at(701), line(400), till="2", tenders=[{"kind": "cash", "amount": 300}]),
        returned("B1", at(702), line(100), till="2", original_event_id=nobody),
        voided("V1", at(703), line(100), till="2", voided_event_id=nobody),
        returned("B2", at(704), line(500), till="2", original_event_id=sale),
        returned("B3", at(705), line(500), till="2", original_event_id=sale),
        returned("B4", at(706), line(403), till="2", original_receipt_id="R3"),
        returned("B5", at(707), line(1), till="2"),
        numbered(receipt("N1", at(708), till="2", tenders=[{"kind": "card", "amount": 110, "tip": 10}]), "dev", 3),
        numbered(receipt("N2", at(709), till="2"), "dev", 6),
        receipt("Q1", at(710), till="4"),
        counted("third", at(800), 5, "RICE"),
    ]


FOUND = {
    "z_reports": [
        (DAY, "period P0 of till 1", 2, 1),
        (DAY, "period P2 of till 2", 0, 1),
        (NEXT, "Z report 8 of till 1", 9, 8),
        (NEXT, "period P1 of till 1", 2, 1),
        (NEXT, "period P1 of till 1", 9_900, 10_500),
    ],
    "tenders": [(DAY, "receipt R3", 300, 400)],
    "stock_ledger": [(DAY, "SKU RICE", 5, 8)],
    "orphan_refunds": [
        (DAY, "return B1", 0, 1),
        (DAY, "return B3", 2, 1),
        (DAY, "return B4", 403, 400),
        (DAY, "void V1", 0, 1),
    ],
    "sequence_gaps": [
        (DAY, "numbers 4 to 5 of device dev", 2, 0),
        (DAY, "till 3", 0, 1),
        (NEXT, "the store", 0, 1),
        (NEXT, "till 3", 0, 1),
    ],
    "receipts_twice": [(DAY, "receipt R0 of till 1", 2, 1)],
}
ONLY_WHEN_SEALED = {"period P2 of till 2"}
PROVISIONAL = {
    "the store",
    "Z report 8 of till 1",
    "period P1 of till 1",
    "return B1",
    "void V1",
    "till 3",
    "numbers 4 to 5 of device dev",
    "SKU RICE",
}


def test_each_thing_that_can_be_wrong_is_found_and_nothing_else(teller: Teller) -> None:
    """By store, date and subject, with what was observed and what was expected; and once everything must have come, it is settled."""
    place = teller.tell(bad_days)

    outcomes = check(place, SEALED)

    found = {name: sorted((f.business_date, f.subject, f.observed, f.expected) for f in each.findings) for name, each in outcomes.items()}
    assert found == FOUND
    assert set(verdicts(outcomes).values()) == {"MISMATCH"}
    assert not any(finding.is_provisional for outcome in outcomes.values() for finding in outcome.findings)


def test_what_may_still_come_is_provisional_before(teller: Teller) -> None:
    """Two days later the same is found, but what a late event may heal is unverified; without any clock too."""
    place = teller.tell(bad_days)

    for clock in (OPEN, None):
        outcomes = check(place, clock)

        findings = [finding for outcome in outcomes.values() for finding in outcome.findings]
        assert {finding.subject for finding in findings} == {
            subject for each in FOUND.values() for _, subject, *_ in each
        } - ONLY_WHEN_SEALED
        assert {finding.subject for finding in findings if finding.is_provisional} == PROVISIONAL
        assert verdicts(outcomes) == dict.fromkeys(FOUND, "MISMATCH") | {"stock_ledger": "UNVERIFIED", "sequence_gaps": "UNVERIFIED"}


def numbered_days() -> list[Event[Any]]:
    """The same days, but the till of the second numbers what it sends, and nothing is missing of it."""
    story = bad_days()
    number_it = sold(story, "R1")
    return [numbered(each, "1", 1) if each is number_it else each for each in story]


def test_a_till_that_numbers_what_it_sends_proves_that_nothing_is_on_its_way(teller: Teller) -> None:
    """Then a Z report that differs is wrong at once; that of a till which numbers nothing may still be healed."""
    outcomes = check(teller.tell(numbered_days), OPEN)

    reports = [finding for finding in outcomes["z_reports"].findings if finding.subject == "period P1 of till 1"]
    assert [finding.is_provisional for finding in reports] == [False, False]


def test_a_scope_leaves_out_other_dates_and_stores(teller: Teller) -> None:
    """A date, a chain, a store: what is not asked about is not looked at."""
    place = teller.tell(bad_days)

    second_day = check(place, SEALED, Scope(NEXT, NEXT))
    elsewhere = [Scope(DAY, NEXT, tenant_id="another"), Scope(DAY, NEXT, store_ids=("S3",)), Scope(date(2026, 1, 1), date(2026, 1, 9))]

    wanted = {name: sorted((day, subject) for day, subject, *_ in each if day == NEXT) for name, each in FOUND.items()}
    assert {name: sorted((day, subject) for _, day, subject in said(outcome)) for name, outcome in second_day.items()} == wanted
    for scope in elsewhere:
        assert set(verdicts(check(place, SEALED, scope)).values()) == {"PASS"}


def test_a_correction_settles_what_it_corrects(teller: Teller) -> None:
    """The second receipt, a return of nothing, a wrong payment, a closing too many: corrected away, nothing of them is found any more."""
    story = bad_days()
    wrong = [sold(story, "R3"), sold(story, "V1")]
    twice = [each for each in story if getattr(each.data, "receipt_id", None) == "R0"][1]
    return_of_nothing = next(each for each in story if each.type == SALE_RETURNED and each.data.receipt_id == "B1")
    second_closing = [each for each in story if isinstance(each.data, TillClosed) and each.data.period_id == "P0"][1]
    all_wrong = [*wrong, twice, return_of_nothing, second_closing]
    taken_back = [corrected(f"correction {number}", each) for number, each in enumerate(all_wrong)]
    place = teller.anew(recorded([*story, *taken_back]))

    outcomes = check(place, SEALED)

    assert verdicts(outcomes) == dict.fromkeys(FOUND, "MISMATCH") | {"tenders": "PASS", "receipts_twice": "PASS"}
    assert [subject for *_, subject in said(outcomes["orphan_refunds"])] == ["return B3", "return B4"]
    assert "period P0 of till 1" not in {finding.subject for finding in outcomes["z_reports"].findings}
    assert [finding.unit for finding in outcomes["orphan_refunds"].findings if finding.subject == "return B4"] == ["units"]


DAMAGE = (
    "UPDATE read_g1.stock_on_hand SET on_hand = on_hand + 1 WHERE sku = 'RICE'",
    "DELETE FROM read_g1.stock_on_hand WHERE sku = 'MILK'",
    "UPDATE read_g1.stock_movements SET quantity = -3 WHERE sku = 'RICE'",
    "UPDATE read_g1.till_tenders SET amount = amount + 1",
    "UPDATE read_g1.till_entries SET tips = 5, gross = 501 WHERE receipt_id = 'R0'",
)


def test_stores_that_do_not_agree_are_found(teller: Teller) -> None:
    """Rows of one store are changed behind its back: the checks that add them up from the other say so."""
    place = teller.tell(good_days)
    teller.anew()
    with psycopg.connect(place.postgres_dsn) as connection:
        for damage in DAMAGE:
            connection.execute(damage.encode())

    outcomes = check(place, SEALED)

    found = {name: sorted((f.business_date, f.subject, f.observed, f.expected) for f in each.findings) for name, each in outcomes.items()}
    damaged = {
        "z_reports": [(DAY, "period P0 of till 1", 500, 501), (NEXT, "period P1 of till 1", 500, 501)],
        "tenders": [(DAY, "cash", 500, 501), (DAY, "tips", 0, 5), (NEXT, "cash", 500, 501)],
        "stock_ledger": [(DAY, "SKU RICE", 7, 8), (SEALED.date(), "SKU MILK", 0, -2), (SEALED.date(), "SKU RICE", 9, 8)],
    }
    assert found == {name: damaged.get(name, []) for name in FOUND}


def test_what_is_not_in_the_archive_is_unverified(teller: Teller) -> None:
    """Which sale a return names is there and nowhere else: a hole in it must not pass for a return that names none."""
    place = teller.anew(recorded([*good_days(), returned("B1", at(702), line(500), till="2")]))
    assert check(place, SEALED)["orphan_refunds"].verdict == "PASS"
    with writer(place.clickhouse_url) as client:
        client.command("TRUNCATE TABLE event_log_g1")

    outcome = check(place, SEALED)["orphan_refunds"]

    assert (outcome.verdict, outcome.findings) == ("UNVERIFIED", ())
    assert "1 returns and voids are not in the archive" in outcome.reasons[0]
