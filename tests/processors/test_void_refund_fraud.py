"""Void and refund fraud: who stands out is told once, with the patterns; who does what the others do is left in peace."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from contracts.events.alerts import AlertChanged
from contracts.events.registry import ALERT_ANSWERED, TICK
from contracts.events.sales import SaleCompleted
from processors.fold import Fold
from processors.rules.cashier_ledger import CashierLedger
from processors.rules.fraud import ledger
from processors.rules.fraud.day_summaries import DAY as SUMMARY
from processors.rules.fraud.ledger import PAGE, Page
from processors.rules.rule import Decision, Entity, Happening, Occurred, State, View
from processors.rules.void_refund_fraud import VoidRefundFraud
from tests.examples import examples
from tests.processors.events import at, corrected, event, log_of, record, tick
from tests.processors.oracle import Replica, alerts, contents
from tests.processors.stories import Story
from tests.processors.till_events import DAY, opened, policy, refunded, replica, rules, rung, standing, voided

RULE = "void_refund_fraud"
PROPERTY = settings(
    max_examples=examples(12),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a story of days takes longer than to read it
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
_PEOPLE = ("ana", "ben", "cho")
_DAYS = 7
EAGER = (
    policy(RULE, day_probability="0.2", window_probability="0.2", least_deeds=1, approval_limit=1000),
    policy("alerting", false_alarms_per_100_store_days="100"),
)


def _day(number: int, receipts: int = 60) -> Story:
    """Return an honest day of two cashiers, mostly paid by card."""
    begin = number * DAY
    return [rung(f"{number}-{i}", at(begin + 7 * i), "ben" if i % 2 else "ana", tender="card") for i in range(receipts)]


def _past(days: int) -> Story:
    return [each for number in range(-days, 0) for each in [*_day(number), tick(at(number * DAY + DAY - 60))]]


def _said(*story: Event[Any]) -> list[tuple[str, str, str]]:
    return [(row.subject, row.status, row.stage) for row in contents(replica(*story).derived, AlertChanged)]


def _told(*story: Event[Any]) -> AlertChanged:
    (row,) = alerts(replica(*story).derived).values()
    assert isinstance(row, AlertChanged)
    return row


REFUNDS = [refunded(f"r{i}", at(100 + 20 * i), "ana") for i in range(6)]


def test_refunds_of_nothing_are_told_on_the_day_and_confirmed_after_it() -> None:
    """Provisional within hours, confirmed a day after the business date has ended."""
    early = [*_past(7), *_day(0), *REFUNDS, tick(at(600))]
    assert _said(*early) == [("ana", "raised", "provisional")]
    assert _said(*early, tick(at(3 * DAY)))[1:] == [("ana", "updated", "confirmed")]


@pytest.mark.parametrize("looks", [(), (16 * 60 + 35 * DAY - 1,), (18 * 60 + 35 * DAY,)])
def test_an_alert_that_nobody_can_end_any_more_is_closed(looks: tuple[int, ...]) -> None:
    """35 days after the business date, at the next look, and once."""
    story = [*_past(7), *_day(0), *REFUNDS, tick(at(3 * DAY)), *(tick(at(minute)) for minute in looks)]
    is_closed = bool(looks) and looks[0] > 16 * 60 + 35 * DAY
    assert _said(*story) == [("ana", "raised", "confirmed"), *[("ana", "orphaned", "confirmed")] * is_closed]
    assert len(_said(*story, *(tick(at(day * DAY)) for day in (40, 50, 60, 70)))) == 2


@pytest.mark.parametrize("day", [0, 26])
def test_what_was_told_of_a_day_is_left_out_of_weeks_that_are_judged_after_it_was_closed(day: int) -> None:
    """The last four weeks that hold the day end 27 days after it; corrections of either end let them be judged anew when it is closed."""
    sales = [rung(f"late-{i}", at(26 * DAY + i), "ben") for i in range(3)]
    wrong = sales[0] if day else _day(0)[3]
    story = [*_past(7), *_day(0), *REFUNDS, *sales, tick(at(3 * DAY)), tick(at(36 * DAY)), corrected("x", wrong), tick(at(37 * DAY))]
    assert _said(*story) == [("ana", "raised", "confirmed"), ("ana", "orphaned", "confirmed")]


def test_an_honest_store_is_left_in_peace() -> None:
    """Linked refunds, a void and a drawer opening now and then are no news."""
    ordinary = [refunded("r", at(100), "ana", of="-1-3"), opened("d", at(200), "ben"), voided("v", at(230), _day(0)[8], "ana")]
    assert _said(*_past(7), *_day(0), *ordinary, tick(at(3 * DAY))) == []


def test_what_all_peers_do_is_no_fraud() -> None:
    """Six openings are told of one cashier in an ordinary store, and of nobody where both have done so for four weeks."""
    habit = [opened(f"o{day}-{i}", at(day * DAY + 15 * i), _PEOPLE[i % 2]) for day in range(-28, 1) for i in range(12)]
    odd = [each for each in habit if each.envelope.occurred_at >= at(0) and each.data.employee_id == "ana"]
    for openings, told in ((habit, False), (odd, True)):
        story = sorted([*_past(28), *_day(0), *openings], key=lambda each: each.envelope.occurred_at)
        rows = standing(replica(*story, tick(at(3 * DAY))), RULE).values()
        assert any(row["window_start"] >= at(-1).isoformat()[:10] for row in rows) == told


def test_voids_minutes_after_cash_sales_are_told_apart_from_others() -> None:
    """Six within five minutes are told; the same six an hour later are not."""
    sales = [rung(f"c{i}", at(10 + 60 * i), "ana") for i in range(6)]

    def story(after: int) -> Story:
        return [*_past(7), *_day(0), *sales, *(voided(f"v{i}", at(10 + 60 * i + after), sale) for i, sale in enumerate(sales))]

    row = _told(*story(4), tick(at(3 * DAY)))
    assert row.evidence.observed.startswith("voids minutes after a cash sale × 6 in 36 receipts")
    assert "void minutes after a cash sale" not in str(standing(replica(*story(50), tick(at(3 * DAY))), RULE))


def test_the_evidence_names_patterns_counts_and_events() -> None:
    """What was seen, what the peers let expect, how likely it is, and the very events."""
    row = _told(*_past(7), *_day(0), *REFUNDS, tick(at(3 * DAY)))
    assert row.evidence.observed == "cash refunds without proof × 6 in 30 receipts; refund without a source sale × 6 (6,000 minor units)"
    assert row.evidence.event_ids == tuple(each.id for each in REFUNDS)
    assert row.evidence.probability is not None
    assert row.evidence.probability <= 1
    assert (row.subject, row.severity, row.window_start, row.window_end) == ("ana", "high", at(-8 * 60), at(16 * 60))
    assert row.evidence.baseline_window == "2026-02-02/2026-03-01"


@pytest.mark.parametrize(
    ("refund", "pattern", "unproved"),
    [
        (refunded("x", at(60), of="s", amount=1500), "refund above what remained × 1", True),
        (refunded("x", at(60), of="card"), "cash for a sale that was paid by card × 1", True),
        (refunded("x", at(60), of="s"), "refund of an own sale × 1", False),
        (refunded("x", at(60), amount=950), "amount just under the approval limit × 1", True),
        (refunded("x", at(900)), "outside the hours of trade × 1", True),
        (
            refunded("x", at(60), tender="card", of="gone", original_approval_code="77", original_approved_on="2026-03-02"),
            "not there × 1",
            False,
        ),
    ],
)
def test_each_pattern_is_recognised(refund: Event[Any], pattern: str, unproved: bool) -> None:
    """One refund of each kind, by a rule that tells everything; cash that no sale proves is a measure of its own."""
    sales = [rung("s", at(5), "ana"), rung("card", at(6), "ben", tender="card"), rung("z", at(400), "ben")]
    found = str(standing(replica(*EAGER, *sales, refund, opened("o", at(70)), opened("p", at(71)), tick(at(3 * DAY))), RULE))
    assert pattern in found
    assert ("cash refunds without proof × 1" in found) is unproved


def test_a_sale_older_than_the_memory_is_no_missing_sale() -> None:
    """A linked refund whose sale nobody remembers is an ordinary refund."""
    refunds = [refunded(f"r{i}", at(100 + i), "ana", of=f"old-{i}") for i in range(4)]
    found = standing(replica(*EAGER, *_day(0), *refunds, tick(at(3 * DAY))), RULE)
    assert "not there" not in str(found)
    assert "without a source sale" not in str(found)


def test_a_second_refund_of_one_sale_is_above_what_remained_on_whatever_day() -> None:
    """The money of a sale can be paid back once."""
    more = [refunded(f"m{number}", at(2 * DAY + number), "ana") for number in range(2)]
    story = [rung("s", at(5), "ben"), refunded("r1", at(60), "ben", of="s"), refunded("r2", at(2 * DAY), "ana", of="s"), *more]
    assert "refund above what remained × 1" in str(standing(replica(*EAGER, *story, tick(at(5 * DAY)), tick(at(6 * DAY))), RULE))


def test_discounts_to_one_customer_again_and_again_are_named() -> None:
    """The reference is opaque, and that it is the same one is enough."""
    given_away = [rung(f"g{i}", at(10 * i), "ana", discount=500, customer_ref="C-1") for i in range(8)]
    found = standing(replica(*EAGER, *_day(0, 20), *given_away, tick(at(3 * DAY))), RULE)
    assert "the same customer discounted again and again × 8" in str(found)


def test_a_slow_thief_is_found_by_four_weeks() -> None:
    """One refund of nothing a day is no day's news; twenty of them are."""
    slow = [refunded(f"r{day}", at(day * DAY + 100), "ana") for day in range(-21, 0)]
    story = sorted([*_past(28), *slow], key=lambda each: each.envelope.occurred_at)
    rows = [row for row in alerts(replica(*story, tick(at(9 * DAY))).derived).values() if row.status != "retracted"]
    assert rows
    assert {row.subject for row in rows} == {"ana"}
    assert all(row.window_end - row.window_start == timedelta(days=28) for row in rows)


def test_false_alarms_quieten_the_cashier_and_nobody_else() -> None:
    """Each halves the probability that is needed."""
    past = [policy(RULE, day_probability="0.00002"), *_past(7)]
    few = [refunded(f"r{i}", at(100 + 20 * i), "ana") for i in range(4)]
    (alert,) = alerts(replica(*past, *_day(0), *few, tick(at(600))).derived)
    answers = [
        event(ALERT_ANSWERED, f"a{i}", at(-700 + i), {
            "alert_id": str(alert)[:-2] + f"{i:02x}", "rule": RULE, "subject": "ana", "answer": "false_alarm",
        })
        for i in range(10)
    ]  # fmt: skip
    quiet = [*past, *answers, *_day(0), *few, *(refunded(f"b{i}", at(101 + 20 * i), "ben") for i in range(4)), tick(at(600))]
    assert {row.subject for row in alerts(replica(*quiet).derived).values()} == {"ben"}


@st.composite
def worlds(draw: st.DrawFn) -> Story:
    """Sales, refunds of them and of nothing, voids, openings, and corrections of some, over a week."""
    minutes = draw(st.lists(st.integers(0, _DAYS * DAY - 200), unique=True, min_size=1, max_size=10))
    sales: Story = []
    others: Story = []
    for number, minute in enumerate(minutes):
        kind = draw(st.sampled_from(("sale", "sale", "refund", "void", "opening")))
        person, when = draw(st.sampled_from(_PEOPLE)), at(minute)
        if kind == "sale":
            tender, discount = draw(st.sampled_from(("cash", "card"))), draw(st.sampled_from((0, 0, 100)))
            sales.append(rung(f"e{number}", when, person, draw(st.sampled_from((500, 1000))), tender, discount))
            continue
        of = draw(st.sampled_from([None, *(f"e{i}" for i in range(len(minutes)))]))
        for again in range(draw(st.integers(1, 4))):
            name, later = f"e{number}-{again}", when + timedelta(minutes=again)
            if kind == "refund":
                others.append(refunded(name, later, person, draw(st.sampled_from((500, 950))), of=of))
            elif kind == "void" and sales:
                others.append(voided(name, sales[-1].envelope.occurred_at + timedelta(minutes=2 + 2 * again), sales[-1], person))
            else:
                others.append(opened(name, later, person))
    facts = [*sales, *others]
    wrong = draw(st.lists(st.sampled_from(facts), unique_by=lambda each: each.id, max_size=3))
    return [*facts, *(corrected(f"x{number}", each) for number, each in enumerate(wrong))]


def _told_of(facts: Story, minutes: list[int], random: Any) -> Story:
    """Put ascending ticks anywhere between what happened, and ticks after it all."""
    story = list(facts)
    for place, minute in zip(sorted(random.randint(0, len(story)) for _ in minutes), sorted(minutes), strict=True):
        done = sum(1 for each in story if each.type == TICK)
        story.insert(place + done, tick(at(minute)))
    return [*EAGER, *story, tick(at(_DAYS * DAY + 60)), tick(at(20 * DAY))]


TICKS = st.lists(st.integers(0, _DAYS * DAY), max_size=6)
RANDOMS = st.randoms(use_true_random=False)


@PROPERTY
@given(worlds(), TICKS, RANDOMS)
def test_the_order_of_the_facts_and_the_places_of_the_ticks_do_not_matter_in_the_end(world: Story, ticks: list[int], random: Any) -> None:
    """Shuffled facts end in the same alerts with the same words as facts in order under a single tick."""
    in_order = sorted(world, key=lambda each: each.envelope.occurred_at)
    wanted = standing(replica(*_told_of(in_order, [], random)), RULE)
    assert standing(replica(*_told_of(random.sample(world, len(world)), ticks, random)), RULE) == wanted


@PROPERTY
@given(worlds(), TICKS, RANDOMS, st.integers(1, 5))
def test_replayed_and_recut_logs_change_nothing(world: Story, ticks: list[int], random: Any, size: int) -> None:
    """Any suffix handed over again changes no state; any cutting into batches gives the same states."""
    log = log_of(*_told_of(random.sample(world, len(world)), ticks, random))
    whole, cut = Replica(Fold(rules())), Replica(Fold(rules()))
    whole.apply(log)
    states = whole.states()
    for start in range(0, len(log), size):
        cut.apply(log[start : start + size])
    whole.apply(log[random.randint(0, len(log) - 1) :])
    assert whole.states() == states
    assert cut.states() == states


@PROPERTY
@given(worlds(), RANDOMS)
def test_a_correction_gives_what_would_have_been(world: Story, random: Any) -> None:
    """A log in which wrong events are corrected away ends like one in which they never were."""
    wrong = {each.data.corrects_event_id for each in world if each.type.startswith("event.corrected")}
    right = [each for each in world if each.id not in wrong and not each.type.startswith("event.corrected")]
    made = standing(replica(*_told_of(random.sample(world, len(world)), [], random)), RULE)
    assert made == standing(replica(*_told_of(right, [], random)), RULE)


@pytest.mark.parametrize("looks", [(), (47,), (238,), (47, 238), (2 * DAY,), (47, 2 * DAY), (47, 238, 2 * DAY)])
@pytest.mark.parametrize(("before", "between"), [(0, 0), (0, 1), (1, 1), (1, 2)])
def test_facts_of_days_to_come_are_told_when_their_day_comes(looks: tuple[int, ...], before: int, between: int) -> None:
    """However long the clock stands behind and whatever it looks at meanwhile: before the first facts, between them, after them."""
    nearer = [*(rung(f"s{i}", at(DAY + 7 * i), "ben") for i in range(20)), opened("n1", at(DAY), "ana"), opened("n2", at(DAY + 1), "ana")]
    farther = [*(rung(f"t{i}", at(6 * DAY + 7 * i)) for i in range(20)), *(opened(f"f{i}", at(6 * DAY + i), "ben") for i in range(8))]
    ticks, end = [tick(at(minute)) for minute in looks], [tick(at(7 * DAY)), tick(at(20 * DAY))]
    wanted = standing(replica(*EAGER, *nearer, *farther, *end), RULE)
    assert {row["subject"] for row in wanted.values()} == {"ana", "ben"}
    for first, then in ((nearer, farther), (farther, nearer)):
        story = [*ticks[:before], *first, *ticks[before:between], *then, *ticks[between:]]
        assert standing(replica(*EAGER, *story, *end), RULE) == wanted


def test_a_day_to_come_that_was_looked_at_is_looked_at_again_when_its_past_is_told_of() -> None:
    """Four openings are nothing to tell of in a store without a past, and stand out after five honest days."""
    past = [each for number in range(1, 6) for each in _day(number)]
    day = [*_day(6), *(opened(f"o{i}", at(6 * DAY + i), "ben") for i in range(4))]
    strict = policy(RULE, day_probability="0.001", window_probability="0.00001", least_deeds=1)
    looks, end = [tick(at(47)), tick(at(238))], [tick(at(7 * DAY)), tick(at(20 * DAY))]
    assert standing(replica(strict, looks[0], *day, looks[1], *end), RULE) == {}
    wanted = standing(replica(strict, *past, *day, *end), RULE)
    assert [row["subject"] for row in wanted.values()] == ["ben"]
    assert standing(replica(strict, looks[0], *day, looks[1], *past, tick(at(2 * DAY)), *end), RULE) == wanted


class _Forgetful(VoidRefundFraud):
    """A damaged rule: a sale does not reach the days of the refunds that name it."""

    def touched(self, happening: Any, view: View) -> list[Entity]:
        return [each for each in super().touched(happening, view) if _is_of_the_day(each, happening)]


def _is_of_the_day(entity: Entity, happening: Any) -> bool:
    day = happening.event.envelope.business_date.isoformat() if isinstance(happening, Occurred) else ""
    return entity.kind is not SUMMARY or entity.name == day


def test_a_rule_that_forgets_whom_a_change_concerns_is_caught() -> None:
    """The negative control of the law of order: without the marks on other days the late sale is never heard of."""
    refunds = [refunded(f"r{number}", at(2 * DAY + number), of=f"s{number}") for number in range(4)]
    sales = [rung(f"s{number}", at(number), tender="card") for number in range(4)]
    middle, end = tick(at(2 * DAY + 300)), tick(at(20 * DAY))
    for rule, same in ((VoidRefundFraud(), True), (_Forgetful(), False)):
        stories = ([*sales, *refunds, middle, end], [*refunds, middle, *sales, end])
        ordered, late = (standing(replica(*EAGER, *each, of=(CashierLedger(), rule)), RULE) for each in stories)
        assert "cash for a sale that was paid by card × 4" in str(ordered)
        assert (late == ordered) == same


def test_history_on_a_live_clock_raises_nothing() -> None:
    """Days that are told of later change what is known, and alarm nobody."""
    facts = [*_day(0), *REFUNDS]
    later = at(5 * DAY)
    story = [tick(later, time="live"), *facts, tick(later + timedelta(hours=4), time="live"), tick(later + timedelta(days=3), time="live")]
    log = [record(each, offset, later + timedelta(days=3)) for offset, each in enumerate(story)]
    made = Replica(Fold(rules()))
    made.apply(log)
    assert alerts(made.derived) == {}
    assert any(f"|{SUMMARY.name}|" in key for key in made.held)


def test_everything_is_forgotten_after_its_time() -> None:
    """Nothing stays of a day but empty values once its days have passed."""
    made = replica(*_day(0), *REFUNDS, tick(at(DAY)), *(tick(at(day * DAY)) for day in range(30, 110)))
    left = {key: body for key, (_, body) in made.states().items() if any(kind in key for kind in ("cashier_page", "fraud_", "till_off"))}
    assert left
    assert set(left.values()) == {b""}


def test_what_is_too_old_or_dated_days_ahead_is_not_kept() -> None:
    """Nobody can correct it any more, or its clock is broken: no page is begun that would be forgotten at once, or never."""
    sale = rung("s", at(0))
    ahead = {"clock_ahead": True, "ingested_at": at(-3 * DAY)}
    broken = Event(sale.envelope.model_copy(update=ahead), sale.data)
    within = Event(sale.envelope.model_copy(update={**ahead, "ingested_at": at(-DAY)}), sale.data)

    def is_kept(*story: Event[Any]) -> bool:
        return any(f"|{PAGE.name}|" in key for key in replica(*story).states())

    late = [tick(at(34 * DAY)), tick(at(36 * DAY))]
    assert [is_kept(each, sale) for each in late] == [True, False]
    assert [is_kept(within), is_kept(broken)] == [True, False]


def test_a_receipt_without_a_total_came_to_what_was_sold_less_what_was_brought_back() -> None:
    """Of either sign: an exchange may pay out."""
    lines = [{"line": 1, "sku": "MILK", "quantity": "1", "unit_price": "10", "gross": 1000, "discount": 100}]
    back = {"line": 2, "sku": "EGGS", "quantity": "1", "unit_price": "15", "gross": 1500, "discount": 50, "kind": "return"}
    sale = SaleCompleted.model_validate({"receipt_id": "r", "currency": "GBP", "lines": [*lines, back]})
    assert ledger.due(sale) == 1450 - 900


def test_a_day_of_a_busy_store_stays_small() -> None:
    """Eight hundred receipts of a day are 41 bytes each; their summary is below two kilobytes."""
    made = replica(*[rung(f"s{i}", at(i), _PEOPLE[i % 3], tender="card") for i in range(800)], tick(at(DAY)))
    sizes = {kind: sum(len(body) for key, (_, body) in made.states().items() if f"|{kind.name}|" in key) for kind in (PAGE, SUMMARY)}
    assert sizes[PAGE] < 800 * 42 + 8 * 200
    assert sizes[SUMMARY] < 2_000


def test_a_page_keeps_only_so_many_rows() -> None:
    """A store that sends without end fills no value above the limit."""
    page, sale = Page(), rung("s", at(0))
    for _ in range(ledger.ROWS_KEPT + 5):
        page = ledger.with_events(page, [(sale, True)], lambda _: False)
    assert len(page.rows) == ledger.ROWS_KEPT * 41


class _Counting(CashierLedger):
    """Counts what a sale touches."""

    def __init__(self) -> None:
        self.decided = 0

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        self.decided += 1
        return super().decide(entity, state, happening, view)


def test_a_sale_touches_one_page_and_nothing_else_that_waits_already() -> None:
    """Of two sales of a day only the first marks the day and the store."""
    first, second = (replica(*_day(0, size), of=(_Counting(), VoidRefundFraud())) for size in (1, 2))
    assert set(second.states()) - set(first.states()) == set()
    assert len(first.states()) == 4
