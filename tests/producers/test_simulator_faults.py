"""Faults of the simulated chain: each kind happens, is counted with its events, and touches nothing else."""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest

from contracts.codec import build_event
from producers.simulator.faults import ALL, FAULTS, chosen_faults
from producers.simulator.generate import generate
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.world import SimulatedRecord
from tests.producers.simulations import PLAIN, QUIET_LINES, TROUBLED, simulated, truth_of


def test_every_kind_of_fault_happens_and_is_counted_with_its_events() -> None:
    """Three stores and four days show every kind; what it names is on the log, but for receipts that were lost."""
    records, injected = simulated(TROUBLED)
    sent = {str(row.event.id) for row in records}

    assert set(injected.counts) == ALL
    for kind, places in injected.places.items():
        named = {event for place in places for event in place.event_ids}
        assert (named & sent == set()) if kind == "sequence_gaps" else named <= sent, kind


@pytest.mark.parametrize("kind", sorted(name for name, fault in FAULTS.items() if fault.per == "day"))
def test_a_kind_of_fault_befalls_the_same_stores_and_days_whatever_else_goes_wrong(kind: str) -> None:
    """Each kind draws from streams of its own."""
    alone = Injected()
    for _ in generate(SimulationOptions(stores=3, days=4, scale=0.5, ticks=False, faults=frozenset({kind})), alone):
        pass

    together = simulated(TROUBLED)[1]
    assert set(alone.counts) == {kind}
    befallen, wanted = (sorted((place.store_id, place.at.date()) for place in each.places[kind]) for each in (alone, together))
    assert befallen == wanted


def bought(records: list[SimulatedRecord]) -> Counter[tuple[object, ...]]:
    """Return what was sold where and when, without the numbers that a till gives."""
    return Counter(
        (row.event.store_id, row.event.envelope.occurred_at, *((line.sku, line.quantity, line.gross) for line in row.event.data.lines))
        for row in records
        if row.event.type == "sale.completed.v1" and not row.repeat
    )


def test_troubles_of_lines_and_senders_change_no_sale() -> None:
    """The same customers buy the same things at the same moments; a lost receipt is the only difference."""
    troubled = SimulationOptions(stores=3, days=4, scale=0.5, ticks=False, faults=QUIET_LINES)
    records, injected = simulated(troubled)

    missing = bought(simulated(PLAIN)[0]) - bought(records)

    assert sum(missing.values()) == injected.counts["sequence_gaps"] > 0
    assert not bought(records) - bought(simulated(PLAIN)[0])


def test_device_numbers_have_gaps_only_where_an_event_was_lost() -> None:
    """Every event of a device but its heartbeats has the next number."""
    records, injected = simulated(TROUBLED)
    numbers = defaultdict(list)
    for row in records:
        if row.event.envelope.device_seq is not None and not row.repeat:
            numbers[row.event.store_id, row.event.envelope.device_id].append(row.event.envelope.device_seq)

    missing = {(*device, gap) for device, seen in numbers.items() for gap in set(range(1, max(seen) + 1)) - set(seen)}

    assert all(len(seen) == len(set(seen)) for seen in numbers.values())
    assert missing == {(place.store_id, place.device, place.figures["device_seq"]) for place in injected.places["sequence_gaps"]}


def test_a_till_gives_a_sign_of_life_every_quarter_of_an_hour_unless_it_is_silent() -> None:
    """Without faults no pause is longer; a silent till neither beats nor sells."""
    beats = defaultdict(list)
    for row in simulated(PLAIN)[0]:
        if row.event.type == "till.heartbeat.v1":
            beats[row.event.store_id, row.event.data.till_id, row.event.envelope.business_date].append(row.event.envelope.occurred_at)
    pauses = {later - earlier for times in beats.values() for earlier, later in pairwise(times)}
    assert pauses == {timedelta(minutes=15)}

    records, injected = simulated(TROUBLED)
    for place in injected.places["silent_tills"]:
        of_till = [row for row in records if (row.event.store_id, row.event.envelope.device_id) == (place.store_id, place.device)]
        heard = {row.event.type for row in of_till if place.at <= row.event.envelope.occurred_at < place.until and not row.repeat}
        assert heard <= {"till.opened.v1", "till.closed.v1", "cash.paid_in.v1", "cash.paid_out.v1"}


def test_late_batches_come_hours_to_a_week_later() -> None:
    """What a till rang up without a line arrives after it, in order."""
    records, injected = simulated(TROUBLED)
    first = {str(row.event.id): row for row in reversed(records) if not row.repeat}

    for place in injected.places["late_batches"]:
        arrivals = [first[event].arrival for event in place.event_ids]
        assert arrivals == sorted(arrivals)
        assert all(timedelta(hours=3) < at - place.until < timedelta(days=7, hours=1) for at in arrivals)


def test_a_wrong_clock_dates_its_events_wrong_and_nothing_else() -> None:
    """Minutes are kept, more than five minutes ahead is flagged, 1970 cannot be read."""
    records, injected = simulated(TROUBLED)
    by_id = {str(row.event.id): row for row in records if not row.repeat}
    for kind in ("clock_minutes", "clock_ahead"):
        for place in injected.places[kind]:
            for name in place.event_ids:
                envelope = by_id[name].event.envelope
                ahead = timedelta(seconds=place.figures["seconds_ahead"])
                assert place.at <= envelope.occurred_at - ahead < place.until + timedelta(seconds=1)
                assert envelope.clock_ahead == (kind == "clock_ahead")
    broken = {name for place in injected.places["clock_1970"] for name in place.event_ids}
    assert {by_id[name].event.envelope.occurred_at.year for name in broken} == {1970}
    for row in records:
        if str(row.event.id) not in broken:
            build_event(
                row.event.envelope.model_validate(dict(row.event.envelope)), row.event.data.model_dump(mode="json", exclude_none=True)
            )


def test_a_conflicting_duplicate_has_the_id_and_not_the_content() -> None:
    """It is valid, it comes later, and the first content counts."""
    records, injected = simulated(TROUBLED)
    conflicts = [row for row in records if row.conflict]

    assert len(conflicts) == injected.counts["conflicting_duplicates"] > 0
    for row in conflicts:
        (first,) = [other for other in records if other.event.id == row.event.id and not other.repeat]
        assert (first.arrival < row.arrival, first.event.data == row.event.data) == (True, False)
    assert truth_of(records).net_sales == truth_of([row for row in records if not row.conflict]).net_sales


def test_faults_are_chosen_by_name() -> None:
    """All, none, the usual ones, or some; an unknown name is refused with those that there are."""
    assert chosen_faults("all") == ALL
    assert chosen_faults("none") == frozenset()
    assert chosen_faults("no_shows, sales_drops") == {"no_shows", "sales_drops"}
    with pytest.raises(ValueError, match=r"not no_show$"):
        chosen_faults("no_show")
    with pytest.raises(ValueError, match="no_show"):
        SimulationOptions(faults=frozenset({"no_show"}))
