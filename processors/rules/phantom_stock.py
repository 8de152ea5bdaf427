"""Phantom stock: goods on book that nobody has bought for far longer than usual while the store traded.

Judged at ticks only: events say merely when to look. What holds is a function of the shelf, the trading days and the clock.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from zlib import crc32

from msgspec.structs import replace

from contracts.events.registry import SALE_COMPLETED, STOCK_COUNTED
from contracts.evidence import Evidence
from contracts.fields import plain
from contracts.policies.phantom_stock import PhantomStockPolicy
from processors.rules.alerting import Finding, Speaker, Told, settle, standing
from processors.rules.feedback import around
from processors.rules.on_hand import date_of, quantity_of, units
from processors.rules.past_alerts import over_as_told
from processors.rules.phantom_memory import (
    HISTORY_DAYS,
    WINDOW_DAYS,
    Course,
    PhantomState,
    Proof,
    event_id,
    last_sale_day,
    learned,
    remembered,
)
from processors.rules.probabilities import written
from processors.rules.rule import (
    Decision,
    Entity,
    EventRun,
    Happening,
    Kind,
    Left,
    Occurred,
    Policy,
    Recounted,
    State,
    Ticked,
    View,
    moment_of,
)
from processors.rules.sale_gaps import gap_probability, surprising_gap
from processors.rules.shelf_history import Shelf, shelf_of
from processors.rules.stock_states import corrected_skus, counted_skus, earlier_rows, stock_of
from processors.rules.trading_days import (
    THE_STORE,
    TRADING_DAYS,
    Calendar,
    says_something_new,
    store_day,
    trading_days,
    with_sale,
)
from processors.rules.worth import Worth, severity_of, worth_of

SPEAKER = Speaker("phantom_stock", 1)
BUILT_IN = Policy(0, PhantomStockPolicy())
PHANTOM = Kind("phantom_stock", PhantomState, 1, 0)

_HOUR = 3_600_000_000
_AT_MOST_DAYS, _READ_DAYS = 7, 14
"""Days until a SKU is looked at again at the latest, and until all of its rows are read."""
_SURE = 0.1
"""The share of the probability at which the alert is confirmed."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that judging a SKU needs; `felt` is the policy's probability with what people had answered by a time."""

    sku: str
    shelf: Shelf
    course: Course
    calendar: Calendar
    policy: Policy
    felt: Callable[[int], float]
    worth: Worth

    @property
    def terms(self) -> PhantomStockPolicy:
        """The policy's parameters."""
        assert isinstance(self.policy.parameters, PhantomStockPolicy)
        return self.policy.parameters


class PhantomStock:
    """The rule. A SKU is watched from its first count on; the rule also notes on which days the store traded."""

    name = "phantom_stock"
    event_types = frozenset({SALE_COMPLETED, STOCK_COUNTED})
    kinds = (TRADING_DAYS, PHANTOM)
    run_types = frozenset({SALE_COMPLETED})

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the counted SKUs, those that a correction concerns, or the store for the first sale of an hour."""
        if isinstance(happening, Recounted):
            known = (Entity(PHANTOM, sku) for sku in corrected_skus(happening, view))
            return [entity for entity in known if view.state(entity) is not None]
        if happening.event.type == STOCK_COUNTED:
            return [Entity(PHANTOM, sku) for sku in counted_skus(happening.event)]
        return [THE_STORE] if says_something_new(trading_days(view), happening.event) else []

    def in_run(self, run: EventRun) -> Iterator[Left]:
        """Leave the first sale of an hour to `touched`."""
        told = set[tuple[date, int]]()
        for number, _, at, happening in run.rows:
            envelope = happening.event.envelope
            place = envelope.business_date or envelope.occurred_at.date(), at // _HOUR
            if place not in told:
                if says_something_new(trading_days(run.view), happening.event):
                    yield Left(number)
                else:
                    told.add(place)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Note a trading day, or when to look at a SKU; at a tick look at it."""
        if entity.kind is TRADING_DAYS:
            assert isinstance(happening, Occurred)
            return Decision(with_sale(trading_days(view), happening.event))
        known = state if isinstance(state, PhantomState) else PhantomState()
        clock = view.clock_at or 0
        if isinstance(happening, Ticked):
            return _looked_at(entity.name, known, happening, view)
        look_at = min(known.look_at or clock + 1, clock + 1)
        needed = 0 if isinstance(happening, Recounted) else known.needed
        return Decision(replace(known, look_at=look_at, needed=needed), (), max(look_at, clock + 1))


def _looked_at(sku: str, state: PhantomState, happening: Ticked, view: View) -> Decision:
    assert view.clock_at is not None
    clock = view.clock_at
    later = _glanced_at(sku, state, view)
    if later is not None:
        return Decision(replace(state, look_at=later), (), later)
    policy = view.policy_at("phantom_stock", sku, clock) or BUILT_IN
    case = _case(sku, state, policy, view)
    told, derived = settle(SPEAKER, state.told, findings(case, state.told), happening, view)
    if not case.course.proofs and not told:
        return Decision(None, derived)
    needed = (_needed(case, case.course.proofs[-1]) if case.course.proofs else None) or 0
    look_at = max(clock + 1, _next_look(case, told, clock, needed))
    return Decision(remembered(case.course, told, look_at, needed), derived, look_at)


def _glanced_at(sku: str, state: PhantomState, view: View) -> int | None:
    """Return when to look next where a recent sale shows that no gap can be surprising yet; None where all rows are to be read."""
    look = store_day(view)
    days, today = look.calendar, look.today
    if state.told or not state.needed or today >= state.read_on + _READ_DAYS:
        return None
    sold = last_sale_day(stock_of(view, sku))
    if sold is None or today - sold > state.needed - 1:
        return None
    return _due(days, min(sold + state.needed, state.read_on + _READ_DAYS), today, sku)


def _case(sku: str, state: PhantomState, policy: Policy, view: View) -> Case:
    assert view.clock is not None
    assert isinstance(policy.parameters, PhantomStockPolicy)
    look = store_day(view)
    days, today = look.calendar, look.today
    shelf = shelf_of(stock_of(view, sku), earlier_rows(view, sku))
    trading = look.traded(today - WINDOW_DAYS, today - 1)
    course = learned(state, shelf, trading, days.day_at, today, units(policy.parameters.minimum_units))
    alpha = float(policy.parameters.probability)

    def felt(at: int) -> float:
        return around(alpha, view.feedback("phantom_stock", sku, moment_of(at)))

    return Case(sku, shelf, course, days, policy, felt, worth_of(view, sku, view.clock))


def findings(case: Case, told: tuple[Told, ...]) -> Iterator[Finding]:
    """Return the gap that runs, where it is surprising, and those that were told and have ended."""
    proofs = case.course.proofs
    known = {proof.at for proof in proofs}
    keys = {int(row.key) for row in told}
    yield from (over_as_told(row) for row in told if int(row.key) <= case.shelf.since and int(row.key) not in known)
    for begin, end in pairwise((*proofs, None)):
        if begin is not None and (end is None or begin.at in keys):
            found = _finding(case, begin, end)
            if found is not None:
                yield found


def _finding(case: Case, begin: Proof, end: Proof | None) -> Finding | None:
    needed, days = _needed(case, begin), _unsold(case, begin, end)
    if needed is None or len(days) < needed:
        return None
    crossed = case.calendar.begin(days[needed - 1] + 1)
    book = case.shelf.book(crossed)
    if book is None or book < units(case.terms.minimum_units):
        return None
    sold, tried = _history(case.course, begin.day)
    sure = surprising_gap(sold, tried, case.felt(begin.at) * _SURE)
    confirmed = sure is not None and len(days) >= sure
    gap = sure if confirmed and sure is not None else needed
    money = case.worth.of(book)
    return Finding(
        key=str(begin.at),
        subject=case.sku,
        window_start=moment_of(begin.at),
        window_end=moment_of(crossed + _AT_MOST_DAYS * 24 * _HOUR),
        severity=severity_of(money, case.terms.medium_money, case.terms.high_money),
        stage="confirmed" if confirmed else "provisional",
        summary=_summary(case, book, money, end),
        evidence=_evidence(case, begin, end, gap, book),
        policy_version=case.policy.version,
        news=f"{gap}/{book}/{sold}/{tried}/{crossed}/{end.at if end else 0}",
        over=end is not None,
        business_date=date_of(days[needed - 1]).isoformat(),
    )


def _history(course: Course, day: int) -> tuple[int, int]:
    """Count the days until the one of a proof on which the SKU sold, and on which it could have."""
    first = day - HISTORY_DAYS
    return sum(first < each <= day for each in course.sold), sum(first < each <= day for each in course.tried)


def _needed(case: Case, begin: Proof) -> int | None:
    sold, tried = _history(case.course, begin.day)
    return surprising_gap(sold, tried, case.felt(begin.at)) if tried >= case.terms.history_days and sold else None


def _unsold(case: Case, begin: Proof, end: Proof | None) -> list[int]:
    until = end.day if end is not None else case.course.today
    return sorted(day for day in case.course.tried if begin.day < day < until)


def _next_look(case: Case, told: tuple[Told, ...], clock: int, needed: int) -> int:
    """Look hourly at what stands, else when the gap that runs can be surprising, and weekly at the least."""
    today = case.course.today
    if standing(told):
        return clock - clock % _HOUR + _HOUR + _spread(case.sku)
    if not needed:
        return _due(case.calendar, today + _AT_MOST_DAYS, today, case.sku)
    left = needed - len(_unsold(case, case.course.proofs[-1], None))
    return _due(case.calendar, today + min(left, _AT_MOST_DAYS), today, case.sku)


def _due(days: Calendar, day: int, today: int, sku: str) -> int:
    """Return when to look on a day, an hour after its begin and spread over the next by the SKU's name; never on the same day again."""
    return days.begin(max(day, today + 1)) + _HOUR + _spread(sku)


def _spread(sku: str) -> int:
    return crc32(sku.encode()) % _HOUR


def _summary(case: Case, book: int, money: int | None, end: Proof | None) -> str:
    stock = f"{plain(quantity_of(book))} of {case.sku} on book ({case.worth.say(money)})"
    if end is None:
        return f"Phantom stock? {stock}, and nobody buys it"
    if end.found is None:
        return f"Sold again: {stock}"
    return f"Phantom stock confirmed by a count of 0: {stock}" if end.found == 0 else f"Counted {plain(quantity_of(end.found))}: {stock}"


def _evidence(case: Case, begin: Proof, end: Proof | None, gap: int, book: int) -> Evidence:
    sold, tried = _history(case.course, begin.day)
    kind = "the last sale" if begin.found is None else f"a count of {plain(quantity_of(begin.found))}"
    since = moment_of(begin.at).isoformat(timespec="minutes")
    first = min((day for day in case.course.tried if begin.day - HISTORY_DAYS < day <= begin.day), default=begin.day)
    return Evidence(
        observed=f"no sale on {gap} trading days since {kind} at {since}, {plain(quantity_of(book))} on book",
        expected=f"a sale on {sold} of {tried} trading days with stock: one in {tried / sold:.1f} days",
        probability=written(gap_probability(sold, tried, gap)),
        baseline_window=f"{date_of(first).isoformat()}/{date_of(begin.day).isoformat()}",
        event_ids=tuple(event_id(proof) for proof in (begin, end) if proof is not None),
    )
