"""Random stories of one store for property tests: stock, shifts, punches, corrections and ticks over two days."""

from typing import Any

from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.events.registry import TICK
from tests.processors import events as tell

Story = list[Event[Any]]
_MINUTES = 600
_SKUS = ("MILK", "RICE")
_PEOPLE = ("ana", "ben")


@st.composite
def stock_facts(draw: st.DrawFn) -> Story:
    """Sales, counts and adjustments of two SKUs, each at a minute of its own."""
    minutes = draw(st.lists(st.integers(0, _MINUTES), unique=True, max_size=12))
    facts = []
    for number, minute in enumerate(minutes):
        sku, size = draw(st.sampled_from(_SKUS)), draw(st.integers(1, 9))
        kind = draw(st.sampled_from(("sold", "sold", "counted", "adjusted")))
        when = tell.at(minute)
        if kind == "sold":
            facts.append(tell.sold(f"e{number}", when, sku, size))
        elif kind == "counted":
            facts.append(tell.counted(f"e{number}", when, size * 2, sku))
        else:
            facts.append(tell.adjusted(f"e{number}", when, size - 5, sku))
    return facts


@st.composite
def roster_facts(draw: st.DrawFn) -> Story:
    """Shifts with revisions that move, cancel or hand them on, and clock-ins."""
    facts = []
    for number in range(draw(st.integers(0, 3))):
        for revision in range(1, draw(st.integers(1, 3)) + 1):
            starts = draw(st.integers(60, 400))
            status = draw(st.sampled_from(("planned", "planned", "planned", "cancelled")))
            person = draw(st.sampled_from(_PEOPLE))
            facts.append(tell.shift(f"s{number}", tell.at(starts), tell.at(starts + 120), person, revision, status))
    for number, minute in enumerate(draw(st.lists(st.integers(0, _MINUTES), unique=True, max_size=4))):
        facts.append(tell.clocked_in(f"p{number}", tell.at(minute), draw(st.sampled_from(_PEOPLE))))
    return facts


@st.composite
def corrections(draw: st.DrawFn, facts: Story) -> Story:
    """Corrections of some facts, and of some corrections, at most one of each."""
    made: Story = []
    for number, wrong in enumerate(draw(st.lists(st.sampled_from(facts), unique_by=lambda e: e.id, max_size=3)) if facts else []):
        first = tell.corrected(f"x{number}", wrong, _right(draw, wrong))
        made.append(first)
        if draw(st.booleans()):
            made.append(tell.corrected(f"y{number}", first, _right(draw, wrong)))
    return made


def _right(draw: st.DrawFn, wrong: Event[Any]) -> dict[str, Any] | None:
    """Return the right content of a fact: another quantity, or another person."""
    if draw(st.booleans()):
        return None
    content: dict[str, Any] = wrong.data.model_dump(mode="json", exclude_none=True)
    if "employee_id" in content:
        return {**content, "employee_id": draw(st.sampled_from(_PEOPLE))}
    line = content["lines"][0]
    size = draw(st.integers(1, 9))
    if "unit_price" in line:
        line |= {"quantity": str(size), "gross": 100 * size}
    elif "quantity_delta" in line:
        line |= {"quantity_delta": str(size)}
    else:
        line |= {"quantity": str(size)}
    return content


@st.composite
def worlds(draw: st.DrawFn) -> Story:
    """Everything that happened, in no order yet."""
    facts = [*draw(stock_facts()), *draw(roster_facts())]
    return [*facts, *draw(corrections(facts))]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A log: policies first, then what happened in any order with ticks in between, and a last tick after it all."""
    happened = draw(st.permutations(draw(worlds())))
    return told(list(happened), draw(st.lists(st.integers(0, _MINUTES), max_size=6)), draw(st.randoms(use_true_random=False)))


def told(happened: Story, ticks: list[int], random: Any) -> Story:
    """Put ascending ticks between what happened."""
    story = list(happened)
    for place, minute in zip(sorted(random.randint(0, len(story)) for _ in ticks), sorted(ticks), strict=True):
        done = sum(1 for each in story if each.type == TICK)
        story.insert(place + done, tell.tick(tell.at(minute)))
    policies = [tell.reorder_policy(5, 20), tell.reorder_policy(8, 12, version=2, sku="RICE"), tell.no_show_policy(10)]
    return [*policies, *story, tell.tick(tell.at(_MINUTES + 60))]
