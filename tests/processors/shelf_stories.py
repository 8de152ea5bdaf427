"""Random months of one shelf for the rules about stock: sales, gaps, counts, deliveries and corrections, in any order."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.events.alerts import AlertChanged
from contracts.events.registry import ALERT_ANSWERED, STOCK_ORDERED, STOCK_RECEIVED, TICK
from tests.processors import events as tell
from tests.processors.oracle import Replica, alerts, contents, replica_of

Story = list[Event[Any]]
DAY = 24 * 60
DAYS = 24
"""Within the retention, so that everything may come late."""


def received(name: str, when: datetime, quantity: int, sku: str = "MILK", order: str | None = None) -> Event[Any]:
    """Take a delivery in."""
    lines = [{"line": 1, "sku": sku, "quantity": str(quantity)}]
    return tell.event(STOCK_RECEIVED, name, when, {"delivery_id": name, "purchase_order_id": order, "lines": lines})


def ordered(name: str, when: datetime, quantity: int, sku: str = "MILK", expected: date | None = None) -> Event[Any]:
    """Send a purchase order."""
    lines = [{"line": 1, "sku": sku, "quantity": str(quantity)}]
    return tell.event(STOCK_ORDERED, name, when, {"purchase_order_id": name, "expected_on": expected, "lines": lines})


def answered(number: int, answer: str, rule: str, when: datetime) -> Story:
    """Answer so many alerts of a rule about the SKU in the same way."""
    names = [f"{answer}-{each}" for each in range(number)]
    data = {"rule": rule, "subject": "MILK", "answer": answer}
    return [tell.event(ALERT_ANSWERED, name, when, {"alert_id": tell.identity(name), **data}) for name in names]


def minute(day: int, of_day: int) -> float:
    """Return the minute of a story: a day, and a minute after eight in the morning of it."""
    return day * DAY + of_day


@st.composite
def shelf_facts(draw: st.DrawFn) -> Story:
    """A SKU that sells on most days until it stops, beside one that always sells, with counts and deliveries in between."""
    stops, resumes = draw(st.integers(8, 20)), draw(st.integers(12, 40))
    idle = draw(st.sets(st.integers(0, DAYS), max_size=4))
    facts = [tell.counted("first", tell.at(-30), draw(st.integers(5, 40)))]
    facts += [tell.sold(f"rice{day}", tell.at(minute(day, 300)), "RICE") for day in range(DAYS)]
    for day in range(DAYS):
        if (day < stops or day > resumes) and day not in idle:
            facts.append(tell.sold(f"milk{day}", tell.at(minute(day, draw(st.integers(0, 500)))), quantity=draw(st.integers(1, 3))))
    for number, day in enumerate(draw(st.lists(st.integers(1, DAYS - 1), unique=True, max_size=3))):
        facts.append(tell.counted(f"count{number}", tell.at(minute(day, 501)), draw(st.integers(0, 30))))
    for number, day in enumerate(draw(st.lists(st.integers(1, DAYS - 1), unique=True, max_size=2))):
        facts.append(received(f"delivery{number}", tell.at(minute(day, 502)), draw(st.integers(1, 20)), order=f"order{number}"))
        facts.append(ordered(f"order{number}", tell.at(minute(day - draw(st.integers(1, 4)), 503)), 10))
    return facts


@st.composite
def shelf_worlds(draw: st.DrawFn) -> Story:
    """What happened, and corrections of some of it, sales and counts taken back."""
    facts = draw(shelf_facts())
    wrong = draw(st.lists(st.sampled_from(facts), unique_by=lambda fact: fact.id, max_size=3))
    return [*facts, *(tell.corrected(f"x{number}", fact) for number, fact in enumerate(wrong))]


def told(happened: Sequence[Event[Any]], hours: Sequence[int], places: Any, last_day: int = DAYS + 12) -> Story:
    """Put ticks at ascending hours at random places between what happened, and one long after it all."""
    story = list(happened)
    for done, (place, hour) in enumerate(zip(sorted(places.randint(0, len(story)) for _ in hours), sorted(hours), strict=True)):
        story.insert(place + done, tell.tick(tell.at(hour * 60)))
    return [*story, tell.tick(tell.at(last_day * DAY + 600))]


def in_order(happened: Story, every_hours: int, last_day: int = DAYS + 12) -> Story:
    """Tell everything when it happened, corrections at once, with regular ticks."""
    ticks = [tell.tick(tell.at(hour * 60)) for hour in range(every_hours, last_day * 24, every_hours)]
    story = sorted([*happened, *ticks], key=lambda each: each.envelope.occurred_at)
    return [*story, tell.tick(tell.at(last_day * DAY + 600))]


def repeating(story: Story, random: Any) -> Story:
    """Tell some facts again after the last of them, while their ids are still known."""
    facts = [each for each in story if each.type != TICK]
    place = story.index(facts[-1]) + 1
    return [*story[:place], *random.sample(facts, 5), *story[place:]]


def replayed(story: Story, batch: int = 1_000_000) -> Replica:
    """Fold a story from zero."""
    return replica_of(tell.log_of(*story), batch)


def open_alerts(replica: Replica, rule: str) -> list[Any]:
    """Return everything that people see of a rule's open alerts, but how often they were told."""
    rows: list[AlertChanged] = [row for row in alerts(replica.derived).values() if row.rule == rule and row.status in {"raised", "updated"}]
    return sorted((row.model_dump(mode="json", exclude={"transition", "status"}) for row in rows), key=lambda row: str(row["alert_id"]))


def said(replica: Replica, rule: str) -> list[tuple[str, str]]:
    """Return status and stage of everything that a rule told, in order."""
    return [(row.status, row.stage) for row in contents(replica.derived, AlertChanged) if row.rule == rule]


def own_states(replica: Replica, *kinds: str) -> dict[str, tuple[int | None, bytes]]:
    """Return the states of some kinds: those of the rules that are tried here."""
    return {key: state for key, state in replica.states().items() if key.split("|")[1] in kinds}


_EARLY_DAYS = 5


def arriving(happened: Story, random: Any, late_days: int, every_hours: int, last_day: int = DAYS + 12) -> Story:
    """Tell everything up to some days after it happened, or ahead of a clock that stands behind, and regular ticks in between."""
    ticks = [tell.tick(tell.at(hour * 60)) for hour in range(every_hours, last_day * 24, every_hours)]
    moments = [
        (each.envelope.occurred_at + timedelta(days=random.uniform(-_EARLY_DAYS, late_days)), number, each)
        for number, each in enumerate(happened)
    ]
    moments += [(each.envelope.occurred_at, -1, each) for each in ticks]
    story = [each for _, _, each in sorted(moments, key=lambda row: row[:2])]
    return [*story, tell.tick(tell.at(last_day * DAY + 600))]
