"""The ground truth of a simulation against the rules themselves, folded in memory: two ways to the same end."""

from collections import Counter, defaultdict
from datetime import datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest

from contracts.codec import decode, encode
from contracts.events.alerts import AlertChanged
from contracts.events.reorder import ReorderRecommended
from contracts.events.sales import Receipt, SaleCompleted, SaleReturned, SaleVoided
from contracts.events.stock import StockCounted
from contracts.events.till import TillClosed
from contracts.money import without_tax
from contracts.records import RawRecord
from contracts.stock_movements import movements
from contracts.topics import DEAD_LETTERS, STORE_FACTS
from processors.fold import Fold
from processors.rules.feed_silence import FeedSilence
from producers.simulator.faults import ALL
from producers.simulator.generate import generate
from producers.simulator.injected import Injected
from producers.simulator.options import SimulationOptions
from producers.simulator.truth import GroundTruth, TruthTally
from producers.simulator.world import SimulatedRecord
from tests.processors.oracle import Replica, standing_alerts

PLAIN = SimulationOptions(stores=3, days=8, scale=0.4, ticks=False, faults=frozenset())
TROUBLED = SimulationOptions(stores=3, days=8, scale=0.4, ticks=False, faults=ALL)


def partition_logs(options: SimulationOptions) -> tuple[dict[int, list[RawRecord]], GroundTruth]:
    """Write a simulation as partitions would hold it, and tally it."""
    logs: dict[int, list[RawRecord]] = {partition: [] for partition in range(options.partitions)}
    tally = TruthTally()
    for record in generate(options):
        tally.observe(record)
        own = getattr(record.event.data, "partition", crc32(record.event.store_id.encode()) % options.partitions)
        written = encode(record.event, STORE_FACTS)
        for partition in logs if record.route == "chain_wide" else [own]:
            log, at = logs[partition], int(record.arrival.timestamp() * 1000)
            log.append(RawRecord(STORE_FACTS, partition, len(log), at, written.key, written.value, written.headers))
    return logs, tally.result()


def folded(log: list[RawRecord]) -> tuple[list[AlertChanged], list[tuple[str, ReorderRecommended]], int]:
    """Run every rule over a partition; return transitions, recommendations by store, and dead letters."""
    fold, states = Fold(), dict[str, bytes]()
    alerts, recommendations, dead = [], [], 0
    for start in range(0, len(log), 250):
        batch = fold(log[start : start + 250], states.get)
        for stage in batch.stages:
            states.update(stage)
        batch.settle(True)
        dead += batch.dead
        for made in batch.derived:
            if made.topic == DEAD_LETTERS:
                continue
            event = decode(RawRecord(made.topic, log[0].partition, 0, 0, made.key, made.value, made.headers))
            if isinstance(event.data, AlertChanged) and event.data.rule == "no_show":
                alerts.append(event.data)
            elif isinstance(event.data, ReorderRecommended):
                recommendations.append((event.store_id, event.data))
    return alerts, recommendations, dead


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_rules_come_to_what_the_ground_truth_says(seed: int) -> None:
    """No-shows raised, taken back and confirmed, and the stock of every SKU at its reorder point, with repeats and late arrivals."""
    logs, truth = partition_logs(SimulationOptions(seed=seed, stores=4, days=3, scale=0.3, duplicate_share=0.1, partitions=3))

    last: dict[UUID, AlertChanged] = {}
    raised, stock = Counter[UUID](), {}
    for log in logs.values():
        alerts, recommendations, dead = folded(log)
        assert dead == 0
        for alert in alerts:
            last[alert.alert_id] = alert
            raised[alert.alert_id] += alert.status == "raised"
        stock |= {f"{store}/{data.sku}": data for store, data in recommendations}

    assert set(raised.values()) == {1}
    assert len(raised) == len(truth.no_shows_raised)
    assert sum(alert.status == "retracted" for alert in last.values()) == len(truth.no_shows_retracted)
    assert sum(alert.stage == "confirmed" and alert.status != "retracted" for alert in last.values()) == len(truth.no_shows_confirmed)
    still_open = {place: str(data.position) for place, data in stock.items() if data.status == "open"}
    assert still_open == {place: truth.on_hand[place] for place in truth.below_reorder_point}


def test_every_fault_at_once_leaves_the_rules_with_what_the_ground_truth_says() -> None:
    """Wrong clocks, lost and late receipts, frauds: stock and no-shows are still those of the tally, unreadable events dead letters."""
    logs, truth = partition_logs(SimulationOptions(seed=3, stores=3, days=3, scale=0.3, partitions=2, duplicate_share=0.0, faults=ALL))

    raised, stock, dead = set[UUID](), {}, 0
    for log in logs.values():
        alerts, recommendations, unread = folded(log)
        dead += unread
        raised |= {alert.alert_id for alert in alerts}
        stock |= {f"{store}/{data.sku}": data for store, data in recommendations}

    assert 0 < dead <= truth.unreadable  # rules do not read heartbeats
    assert len(raised) == len(truth.no_shows_raised) > 0
    still_open = {place: str(data.position) for place, data in stock.items() if data.status == "open"}
    assert still_open == {place: truth.on_hand[place] for place in truth.below_reorder_point}


def test_no_till_is_silent_because_the_simulation_is_over() -> None:
    """Corrections and late receipts are heard of next morning, when tills of a chain that lived on would be at work."""
    options = SimulationOptions(seed=7, stores=6, days=3, scale=0.3)
    logs, _ = partition_logs(options)
    for log in logs.values():
        replica = Replica(Fold((FeedSilence(),)))
        replica.apply(log)
        assert standing_alerts(replica.derived) == set()
    end = datetime.combine(options.start, time(options.cut_off_hour), ZoneInfo(options.timezone)) + timedelta(days=options.days)
    assert max(log[-1].timestamp for log in logs.values()) / 1000 <= end.timestamp() + options.tick_minutes * 60
    assert max(record.timestamp for log in logs.values() for record in log) / 1000 > end.timestamp()


def first_sendings(options: SimulationOptions) -> tuple[list[SimulatedRecord], Injected, GroundTruth]:
    """Return the facts of a simulation, each once, with what was put in and what must come of it."""
    injected = Injected()
    tally, facts = TruthTally(injected), []
    for record in generate(options, injected):
        tally.observe(record)
        if record.route == "facts" and not record.repeat:
            facts.append(record)
    return facts, injected, tally.result()


def figures(receipt: Receipt) -> Counter[str]:
    """Return what a receipt adds to a Z report, worked out apart from the till."""
    found = Counter[str]()
    completed = isinstance(receipt, SaleCompleted)
    found["sales_count"], found["returns_count"] = int(completed), int(isinstance(receipt, SaleReturned))
    found["voids_count"] = int(isinstance(receipt, SaleVoided))
    for line in receipt.lines:
        out = completed and line.kind == "item"
        if line.kind != "service":
            net = line.gross - line.discount
            found["gross"] += line.gross if out else 0
            found["discounts"] += line.discount if out else 0
            found["voids"] += net if isinstance(receipt, SaleVoided) else 0
            found["returns"] += net if not out and not isinstance(receipt, SaleVoided) else 0
            found["tax"] += line.tax if out else -line.tax
    for tender in receipt.tenders:
        found[f"{tender.kind} amount"] += (tender.amount - tender.change) * (1 if completed else -1)
        found[f"{tender.kind} count"] += 1
    return found


def reported(report: TillClosed) -> Counter[str]:
    """Return the same figures as a Z report says them."""
    names = ("sales_count", "returns_count", "voids_count", "gross", "discounts", "returns", "voids", "tax")
    found = Counter({name: getattr(report, name) for name in names})
    for row in report.tenders:
        found[f"{row.kind} amount"], found[f"{row.kind} count"] = row.amount, row.count
    return found


@pytest.mark.parametrize("options", [PLAIN, TROUBLED], ids=["no faults", "all faults"])
def test_a_z_report_equals_the_events_of_its_period_unless_a_receipt_was_lost(options: SimulationOptions) -> None:
    """By till period: counts, money, tax and tenders; the periods that differ are those of the injected gaps and no others."""
    facts, injected, _ = first_sendings(options)
    sums, reports = defaultdict[tuple[str, str], Counter[str]](Counter), {}
    for row in facts:
        data = row.event.data
        if isinstance(data, TillClosed):
            reports[row.event.store_id, data.period_id] = reported(data)
        elif isinstance(data, SaleCompleted | SaleReturned) or (isinstance(data, SaleVoided) and data.phase == "after_completion"):
            assert data.period_id is not None
            for name, amount in figures(data).items():
                sums[row.event.store_id, data.period_id][name] += amount

    assert len(reports) == 3 * 8 * 2
    differing = {period for period, report in reports.items() if report != sums[period]}
    assert differing == {(place.store_id, place.subject) for place in injected.places["sequence_gaps"]}


@pytest.mark.parametrize("options", [PLAIN, TROUBLED], ids=["no faults", "all faults"])
def test_sales_by_store_equal_a_fold_of_the_events(options: SimulationOptions) -> None:
    """Net sales without tax, of every event that counts, corrections in place of what they name."""
    facts, _, truth = first_sendings(options)
    named = {row.event.data.corrects_event_id: row.event.data for row in facts if row.event.type == "event.corrected.v1"}
    net = Counter[str]()
    for row in facts:
        data = row.event.data
        if not isinstance(data, Receipt) or row.event.envelope.occurred_at.year == 1970:
            continue
        correction = named.pop(row.event.id, None)
        if correction is not None:
            data = SaleCompleted.model_validate(correction.replacement) if correction.replacement else None
        net[row.event.store_id] += net_of(data)

    assert named == {}
    assert net == {store: sales.net for store, sales in truth.sales.items()}


def net_of(receipt: Receipt | None) -> int:
    """Return what a receipt adds to net sales."""
    if not isinstance(receipt, SaleCompleted | SaleReturned | SaleVoided) or getattr(receipt, "phase", "") == "before_completion":
        return 0
    total = 0
    for line in receipt.lines:
        gross, discount = without_tax(line.gross, line.discount, line.tax)
        back = line.kind == "return" or not isinstance(receipt, SaleCompleted)
        total += 0 if line.kind == "service" else (discount - gross if back else gross - discount)
    return total


def test_no_shelf_is_ever_below_nothing_without_a_reason() -> None:
    """Deliveries come before goods run out, and nobody sells what is not there: the book of every shelf stays at or above zero."""
    facts, _, _ = first_sendings(PLAIN)
    book: dict[tuple[str, str], Decimal] = {}
    lowest, received = Decimal(0), 0
    for row in sorted(facts, key=lambda row: row.event.envelope.occurred_at):
        store, data = row.event.store_id, row.event.data
        received += row.event.type == "stock.received.v1"
        if isinstance(data, StockCounted):
            book |= {(store, line.sku): line.quantity for line in data.lines}
        for move in movements(data):
            book[store, move.sku] = book.get((store, move.sku), Decimal(0)) + move.delta
            lowest = min(lowest, book[store, move.sku])

    assert received > 20
    assert lowest == 0


def test_what_a_store_sends_another_receives() -> None:
    """Both sides of a transfer name the same goods, the second a day later; the last day's are still on the way."""
    facts, _, _ = first_sendings(PLAIN)
    sides: dict[str, dict[str, SimulatedRecord]] = {"stock.transferred_out.v1": {}, "stock.transferred_in.v1": {}}
    for row in facts:
        if row.event.type in sides:
            sides[row.event.type][row.event.data.transfer_id] = row
    left, came = sides.values()

    assert came
    assert set(came) <= set(left)
    for name, row in came.items():
        assert row.event.data.lines == left[name].event.data.lines
        assert row.event.data.other_store_id == left[name].event.store_id
        assert row.event.envelope.occurred_at > left[name].event.envelope.occurred_at
