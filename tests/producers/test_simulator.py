"""The simulated chain: the same seed gives the same bytes, ticks come in order, and the ground truth fits the records."""

import os
import subprocess
import sys
import tracemalloc
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.business_time import business_date, in_zone
from contracts.codec import build_event, encode
from contracts.errors import ContractError
from contracts.events.control import Tick
from contracts.events.reference import StoreDefined
from contracts.events.registry import ALERT_ANSWERED, EVENT_CORRECTED, EVENT_TYPES
from contracts.events.sales import SaleCompleted
from contracts.identifiers import derived_id
from contracts.opening_hours import stretches
from producers.simulator.faults import ALL
from producers.simulator.generate import generate
from producers.simulator.options import SimulationOptions
from producers.simulator.pace import Pace, speed_of
from producers.simulator.truth import TruthTally
from tests.examples import examples
from tests.producers.simulations import SMALL, TROUBLED, digest, simulated, truth_of


@settings(max_examples=examples(8))
@given(st.integers(0, 10_000), st.integers(1, 2), st.integers(1, 2))
def test_the_same_seed_gives_the_same_bytes(seed: int, stores: int, days: int) -> None:
    """Nothing but the options decides what happens."""
    options = SimulationOptions(seed=seed, stores=stores, days=days, scale=0.03, partitions=2)

    assert digest(options) == digest(options)
    assert digest(options) != digest(SimulationOptions(seed=seed + 1, stores=stores, days=days, scale=0.03, partitions=2))


def test_every_store_names_its_hours_and_sells_within_them() -> None:
    """What it names is when it trades: 7 to 24 hours, 6 to 2, and 11 to 3 in the fifth store."""
    options = SimulationOptions(seed=3, stores=5, days=2, scale=0.05, faults=frozenset())
    found = [row.event for row in generate(options)]
    stores = {event.store_id: event.data for event in found if isinstance(event.data, StoreDefined)}

    named = {store_id: {(each.opens.hour, each.closes.hour) for each in data.hours or ()} for store_id, data in stores.items()}
    assert [named[f"demo-00{number}"] for number in (1, 2, 5)] == [{(7, 0)}, {(6, 2)}, {(11, 3)}]
    sold = [event.envelope for event in found if isinstance(event.data, SaleCompleted)]
    assert len(sold) > 100
    for sale in sold:
        store = stores[sale.store_id or ""]
        day = business_date(sale.occurred_at, store.timezone, store.cut_off_hour)
        assert any(opens <= sale.occurred_at < closes for opens, closes in stretches(store.hours or (), store.timezone, day))


def test_another_process_gives_the_same_bytes() -> None:
    """Not even the interpreter's hash seed has a part in it."""
    code = "from tests.producers.test_simulator import TROUBLED, digest; print(digest(TROUBLED))"
    runs = [
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
        for seed in ("1", "2")
    ]

    assert [run.stdout.strip() for run in runs] == [digest(TROUBLED)] * 2


def test_other_options_never_share_an_event_id() -> None:
    """Two different worlds on one log would otherwise contradict each other under the same ids."""
    other = SimulationOptions(stores=2, days=2, scale=0.06, partitions=3)

    assert not {row.event.id for row in generate(SMALL)} & {row.event.id for row in generate(other)}


def test_the_demo_has_some_of_everything() -> None:
    """The default size is some ten thousand events, and every kind of trouble is in it."""
    records = list(generate(SimulationOptions()))
    truth = truth_of(records)

    assert 9_000 < truth.records < 20_000
    facts = {name for name, declared in EVENT_TYPES.items() if declared.kind in {"fact", "correction", "reference"}} - {ALERT_ANSWERED}
    assert set(truth.events) == facts
    assert min(truth.duplicates, truth.corrections, truth.late_arrivals, len(truth.no_shows_retracted), len(truth.no_shows_confirmed)) > 0
    assert len(truth.below_reorder_point) > 5


@pytest.mark.parametrize("seed", range(3))
def test_records_come_in_order_of_arrival_with_ticks_before_them(seed: int) -> None:
    """A partition's clock has passed every boundary up to a record's arrival when that record is sent, and ends with the last day."""
    clock: dict[int, datetime] = {}
    last, options = None, SimulationOptions(seed=seed, stores=2, days=2, scale=0.05, partitions=2)
    end = datetime.combine(options.start, time(options.cut_off_hour), ZoneInfo(options.timezone)) + timedelta(days=options.days)
    for record in generate(options):
        if isinstance(record.event.data, Tick):
            tick = record.event.data
            assert tick.time == "simulated"
            assert tick.at - clock.get(tick.partition, tick.at - timedelta(minutes=10)) == timedelta(minutes=10)
            clock[tick.partition] = tick.at
        elif record.route == "facts":
            assert last is None or record.arrival >= last
            assert all(at <= min(record.arrival, end) < at + timedelta(minutes=10) for at in clock.values())
            last = record.arrival
    assert last is not None
    assert set(clock) == {0, 1}
    assert {at - end for at in clock.values()} == {timedelta(minutes=10)}


def test_every_event_is_valid_and_repeats_are_the_same_event() -> None:
    """A repeat has the same id and bytes and comes later; nothing else shares an id."""
    seen: dict[object, bytes] = {}
    repeats = Counter[bool]()
    for record in generate(SMALL):
        build_event(record.event.envelope, record.event.data.model_dump(mode="json", exclude_none=True))
        value = encode(record.event, "t").value
        assert (record.event.id in seen) == record.repeat
        assert seen.setdefault(record.event.id, value) == value
        repeats[record.repeat] += 1

    assert repeats[True] == truth_of(list(generate(SMALL))).duplicates > 0


def test_repeats_do_not_change_what_must_come_of_it() -> None:
    """Ground truth counts each event once."""
    records = list(generate(SMALL))

    with_repeats, without = truth_of(records), truth_of([row for row in records if not row.repeat])

    changed = {"records", "duplicates"}
    assert {k: v for k, v in with_repeats.as_json().items() if k not in changed} == {
        k: v for k, v in without.as_json().items() if k not in changed
    }


def test_no_shows_are_told_apart_by_when_a_punch_is_heard_of() -> None:
    """A shift is raised when no punch came by its grace, taken back when one comes, confirmed when none does."""
    records = list(generate(SimulationOptions(stores=3, days=3, scale=0.02)))
    truth = truth_of(records)
    shifts = {row.event.data.shift_id: row.event.data for row in records if row.event.type == "shift.published.v1"}
    heard = defaultdict(list)
    for row in records:
        if row.event.type == "clock.in.v1":
            heard[row.event.data.employee_id, row.event.envelope.business_date].append(row.arrival)

    for name in truth.no_shows_confirmed:
        assert heard[shifts[name].employee_id, shifts[name].starts_at.date()] == []
    for name in truth.no_shows_retracted:
        assert min(heard[shifts[name].employee_id, shifts[name].starts_at.date()]) >= shifts[name].starts_at + timedelta(minutes=25)
    assert set(truth.no_shows_raised) == {*truth.no_shows_confirmed, *truth.no_shows_retracted}
    assert all(shifts[name].status == "planned" for name in truth.no_shows_raised)


def test_promotions_lift_their_goods_while_they_run_and_are_paid_for_afterwards() -> None:
    """Units of promoted goods are above those of the weeks before while it runs, and below right after it."""
    units: Counter[tuple[date, str]] = Counter()
    named, promotions = set(), []
    for row in generate(SimulationOptions(stores=2, days=21, scale=0.5, ticks=False, faults=frozenset())):
        if row.event.type == "sale.completed.v1":
            for line in row.event.data.lines:
                units[row.event.envelope.business_date, line.sku] += int(line.quantity)
                named.add(line.promotion_id)
        elif row.event.type == "promotion.defined.v1":
            promotions.append(row.event.data)
    promotion = next(row for row in promotions if not row.store_ids and row.starts_at.date() > date(2026, 3, 5))

    first, until = promotion.starts_at.date(), promotion.ends_at.date()
    days = {"on": _days(first, until), "after": _days(until, until + timedelta(days=2)), "before": _days(first - timedelta(days=7), first)}
    rate = {when: sum(units[day, sku] for day in span for sku in promotion.skus) / len(span) for when, span in days.items()}

    assert rate["on"] > 1.4 * rate["before"]
    assert rate["after"] < rate["on"] / 1.5
    assert promotion.promotion_id in named <= {None, *(row.promotion_id for row in promotions)}


def _days(first: date, until: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((until - first).days)]


def test_seollal_empties_the_shops_of_korea_only() -> None:
    """On the day itself about half is sold, in the days before more than usual; elsewhere it is a day like any other."""
    sold = {}
    for country in ("KR", "GB"):
        days: Counter[date] = Counter()
        for row in generate(
            SimulationOptions(start=date(2026, 2, 10), days=9, stores=2, scale=0.3, country=country, ticks=False, faults=frozenset())
        ):
            days[row.event.envelope.business_date] += row.event.type == "sale.completed.v1"
        sold[country] = days

    korea, elsewhere = sold["KR"], sold["GB"]
    assert korea[date(2026, 2, 17)] < 0.7 * elsewhere[date(2026, 2, 17)]
    assert korea[date(2026, 2, 15)] > elsewhere[date(2026, 2, 15)]


def test_memory_does_not_grow_with_the_days() -> None:
    """A long simulation holds no more than a short one."""
    peaks = []
    for days in (6, 24):
        tally = TruthTally()
        tracemalloc.start()
        for row in generate(SimulationOptions(stores=1, days=days, scale=0.1, ticks=False, faults=ALL)):
            tally.observe(row)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.5 * peaks[0]


def test_a_long_simulation_of_many_stores_begins_at_once() -> None:
    """Stores and days that nobody asked for yet are not simulated."""
    records = islice(generate(SimulationOptions(stores=300, days=2000, ticks=False)), 300 * 9 + 2000)

    assert [row.route for row in records][-1] == "facts"


def test_ids_are_those_that_the_contracts_derive() -> None:
    """The simulator's shortcut and the project's rule give the same id, so that nobody has to know the shortcut."""
    options = SimulationOptions(stores=1, days=1, scale=0.02, ticks=False)
    (opened, *_) = [row.event for row in simulated(options)[0] if row.event.type == "till.opened.v1"]

    assert opened.id == derived_id("simulator", options.run, opened.store_id, opened.type, "0", opened.data.period_id)


async def test_a_pace_waits_for_the_moment_of_each_record_and_not_for_what_is_late() -> None:
    """At sixtyfold speed an hour takes a minute; time spent elsewhere is not waited for again."""
    clock, waits = [100.0], []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    pace, begin = Pace(60.0, lambda: clock[0], sleep), datetime(2026, 3, 2, 9, tzinfo=UTC)
    await pace.await_moment(begin)
    await pace.await_moment(begin + timedelta(hours=1))
    clock[0] += 90
    await pace.await_moment(begin + timedelta(hours=2))
    await pace.await_moment(begin + timedelta(hours=3))

    assert waits == [60.0, 30.0]


def test_a_speed_is_a_name_or_a_factor() -> None:
    """As fast as possible, real time, or a factor above zero."""
    assert (speed_of("max"), speed_of("realtime"), speed_of("60"), speed_of("0.5")) == (None, 1.0, 60.0, 0.5)
    for text in ("fast", "0", "-1", "nan", "inf"):
        with pytest.raises(ValueError, match="realtime"):
            speed_of(text)


def test_only_a_clock_of_1970_makes_an_event_that_the_contracts_refuse() -> None:
    """Nothing else of a simulation with every fault is refused, and the ground truth counts none of it."""
    records, injected = simulated(TROUBLED)
    refused = 0
    for row in records:
        try:
            build_event(row.event.envelope, row.event.data.model_dump(mode="json", exclude_none=True))
            row.event.envelope.model_validate(row.event.envelope.model_dump())
        except (ContractError, ValueError):
            refused += not row.repeat

    assert refused == truth_of(records).unreadable == sum(place.figures["events"] for place in injected.places["clock_1970"])


@pytest.mark.parametrize(
    ("timezone", "currency", "country", "cut_off"),
    [("Europe/London", "GBP", "GB", 0), ("America/New_York", "USD", "US", 4), ("Asia/Kuwait", "KWD", "KW", 5)],
)
def test_other_countries_have_valid_receipts_and_their_own_business_dates(timezone: str, currency: str, country: str, cut_off: int) -> None:
    """Through a change of the clocks, with taxes on top or inside, with no, two or three minor digits."""
    options = SimulationOptions(
        start=date(2026, 3, 7) if country == "US" else date(2026, 3, 28),
        days=3,
        stores=2,
        scale=0.05,
        timezone=timezone,
        currency=currency,
        country=country,
        cut_off_hour=cut_off,
        ticks=False,
    )
    last = None
    for row in generate(options):
        build_event(row.event.envelope, row.event.data.model_dump(mode="json", exclude_none=True))
        envelope = row.event.envelope
        if row.route == "facts":
            assert last is None or row.arrival >= last
            last = row.arrival
            if row.undoes is None and envelope.type != EVENT_CORRECTED:
                assert envelope.business_date == business_date(envelope.occurred_at, timezone, cut_off)
                assert envelope.occurred_at.utcoffset() == in_zone(envelope.occurred_at, timezone).utcoffset()
