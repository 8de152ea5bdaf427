"""Shrinkage: what counts find missing beyond their usual noise, at once or little by little.

Judged at ticks: an hour after a count, and again when something that happened before it comes late or is corrected. What was
written off or thrown away with a record is in the book already, and so is no loss here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from msgspec.structs import replace

from contracts.events.registry import SALE_COMPLETED, STOCK_COUNTED
from contracts.evidence import Evidence
from contracts.fields import plain
from contracts.policies.shrinkage import ShrinkagePolicy
from contracts.stock_movements import MOVING_TYPES
from processors.rules import count_noise
from processors.rules.alerting import Finding, Speaker, Stage, Told, forgotten_at, settle
from processors.rules.count_noise import COUNT_NOISE, OF_THE_STORE, CountNoise
from processors.rules.count_variances import Counted, counted_of, noise
from processors.rules.feedback import around
from processors.rules.loss_runs import Judged, Run, after, limit_for, runs, tail
from processors.rules.on_hand import quantity_of
from processors.rules.past_alerts import over_as_told
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
    microseconds,
    moment_of,
)
from processors.rules.shelf_history import Shelf, shelf_of
from processors.rules.stock_rows import UNITS
from processors.rules.stock_states import corrected_skus, counted_skus, earlier_rows, stock_of
from processors.rules.worth import Worth, severity_of, worth_of

SPEAKER = Speaker("shrinkage", 1)
BUILT_IN = Policy(0, ShrinkagePolicy())
ROWS_KEPT, ROWS_AT_MOST = 12, 100
"""Counts of a SKU that are kept; more while a run of losses goes on, about 50 bytes each."""

_HOUR = 3_600_000_000
_SETTLED_AFTER = 7 * 24 * _HOUR
"""How long late data is waited for until an alert is confirmed."""


class ShrinkageState(State, frozen=True, array_like=True):
    """Counts in time order, what was told, when to look again, and the last count that was ever heard of."""

    rows: tuple[Counted, ...] = ()
    told: tuple[Told, ...] = ()
    look_at: int = 0
    counted_at: int = 0


SHRINKAGE = Kind("shrinkage", ShrinkageState, 1, -1)
"""Below the noise of counts, which it reads."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that judging a SKU needs; `felt` is the policy's probability with what people had answered by a time."""

    sku: str
    clock: int
    judged: tuple[Judged, ...]
    policy: Policy
    felt: Callable[[int], float]
    worth: Worth

    @property
    def terms(self) -> ShrinkagePolicy:
        """The policy's parameters."""
        assert isinstance(self.policy.parameters, ShrinkagePolicy)
        return self.policy.parameters

    def limit_at(self, at: int) -> float:
        """Return what a run of losses must reach, with what people had answered by a time."""
        return limit_for(self.felt(at) / float(self.terms.probability), float(self.terms.limit), float(self.terms.slack))


class Shrinkage:
    """The rule. Sales concern it only when they come late."""

    name = "shrinkage"
    event_types = MOVING_TYPES | {STOCK_COUNTED}
    kinds = (COUNT_NOISE, SHRINKAGE)
    run_types = frozenset({SALE_COMPLETED})

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:
        """Return the store and the SKUs of a count sheet, and known SKUs of which something comes late or is corrected."""
        if isinstance(happening, Recounted):
            return _known(corrected_skus(happening, view), view)
        event = happening.event
        if event.type == STOCK_COUNTED:
            return [OF_THE_STORE, *(Entity(SHRINKAGE, sku) for sku in counted_skus(event))]
        at = microseconds(event.envelope.occurred_at)
        if at > count_noise.last_count(view):
            return []
        return _known(sorted({line.sku for line in event.data.lines}), view, at)

    def in_run(self, run: EventRun) -> Iterator[Left]:
        """Leave sales of before the last count to `touched`."""
        counted_at = count_noise.last_count(run.view)
        return (Left(number) for number, at in enumerate(run.moments) if at <= counted_at)

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Note when to look; at a tick learn the noise of the store, or judge the counts of a SKU."""
        clock = view.clock_at or 0
        if entity.kind is COUNT_NOISE:
            return _learned(state if isinstance(state, CountNoise) else CountNoise(), happening, view, clock)
        known = state if isinstance(state, ShrinkageState) else ShrinkageState()
        if isinstance(happening, Ticked):
            return _judged(entity.name, known, happening, view)
        counts = _counts_in(entity.name, happening)
        at = min(counts) + _HOUR if counts else clock + 1
        look_at = max(clock + 1, min(known.look_at or at, at))
        return Decision(replace(known, look_at=look_at, counted_at=max((known.counted_at, *counts))), (), look_at)


def _known(skus: Sequence[str], view: View, at: int = 0) -> list[Entity]:
    """Return the SKUs that are watched and were counted at a time or later.

    The clock has no say in it: when records are folded again it may be ahead of them, and the state of a SKU never is unnoticed.
    """
    known = ((Entity(SHRINKAGE, sku), view.state(Entity(SHRINKAGE, sku))) for sku in skus)
    return [entity for entity, state in known if isinstance(state, ShrinkageState) and state.counted_at >= at]


def _counts_in(sku: str, happening: Happening) -> list[int]:
    """Return when a sheet counts a SKU; nothing for anything else."""
    if not isinstance(happening, Occurred) or happening.event.type != STOCK_COUNTED:
        return []
    event = happening.event
    return [microseconds(line.counted_at or event.envelope.occurred_at) for line in event.data.lines_by_sku.get(sku, ())]


def _learned(known: CountNoise, happening: Happening, view: View, clock: int) -> Decision:
    if isinstance(happening, Occurred):
        known = count_noise.with_sheet(known, happening.event, view.store_id)
    elif isinstance(happening, Ticked):
        policy = (view.policy("shrinkage", None, view.clock) if view.clock else None) or BUILT_IN
        assert isinstance(policy.parameters, ShrinkagePolicy)
        known = count_noise.learned(known, clock, policy.parameters, view)
    return Decision(known, (), max(clock + 1, count_noise.learns_at(known, clock, view.store_id)))


def _judged(sku: str, state: ShrinkageState, happening: Ticked, view: View) -> Decision:
    assert view.clock is not None
    clock = microseconds(view.clock)
    policy = view.policy("shrinkage", sku, view.clock) or BUILT_IN
    shelf = shelf_of(stock_of(view, sku), earlier_rows(view, sku))
    every = _every_count(state.rows, shelf)
    case = _case(sku, clock, every, policy, view)
    told, derived = settle(SPEAKER, state.told, findings(case, state.told), happening, view)
    if not shelf.counts and not every and not told:
        return Decision(None, derived)
    looks = [count.at + _HOUR for count in shelf.counts] + [row.window_end + _SETTLED_AFTER for row in told]
    due = min((at for at in (*looks, forgotten_at(told) or 0) if at > clock), default=None)
    return Decision(ShrinkageState(_trimmed(case, every, shelf.since), told, due or 0, state.counted_at), derived, due)


def _every_count(known: tuple[Counted, ...], shelf: Shelf) -> tuple[Counted, ...]:
    """Return the counts that can no longer change, and those that can as the shelf shows them now.

    What moved before a settled count is no longer on the shelf, so it is taken from before.
    """
    before = {row.at: row.moved for row in known}
    fresh = [replace(row, moved=max(row.moved, before.get(row.at, 0))) if row.since <= shelf.since else row for row in counted_of(shelf)]
    return (*(row for row in known if row.at <= shelf.since), *fresh)


def _case(sku: str, clock: int, every: Sequence[Counted], policy: Policy, view: View) -> Case:
    assert view.clock is not None
    assert isinstance(policy.parameters, ShrinkagePolicy)
    judged = []
    for row in every:
        if row.at + _HOUR <= clock:
            scale, rate = count_noise.usual_at(view, row.at)
            spread = noise(row, policy.parameters, scale)
            judged.append(Judged(row, spread, (-row.variance - rate * row.moved) / UNITS / spread, rate))
    alpha = float(policy.parameters.probability)

    def felt(at: int) -> float:
        return around(alpha, view.feedback("shrinkage", sku, moment_of(at)))

    return Case(sku, clock, tuple(judged), policy, felt, worth_of(view, sku, view.clock))


def _trimmed(case: Case, every: tuple[Counted, ...], settled: int) -> tuple[Counted, ...]:
    """Drop the oldest counts that cannot change any more, up to one after which no run of losses went on."""
    run, cut = Run(0), 0
    for place, judged in enumerate(case.judged, 1):
        run = after(run, judged, float(case.terms.slack))
        may_go = judged.row.at <= settled and place <= len(every) - ROWS_KEPT
        if may_go and (run.level == 0 or place <= len(every) - ROWS_AT_MOST):
            cut = place
    return every[cut:]


def findings(case: Case, told: tuple[Told, ...]) -> Iterator[Finding]:
    """Return single losses and runs of losses; those that were told of counts that are no longer kept are over."""
    first = case.judged[0].row.since if case.judged else 0
    yield from (over_as_told(row) for row in told if row.window_start < first)
    for judged, following in pairwise((*case.judged, None)):
        if judged is not None and (found := _single(case, judged, following)):
            yield found
    for run, end in runs(case.judged, float(case.terms.slack)):
        if found := _slow(case, run, end):
            yield found


def _single(case: Case, judged: Judged, following: Judged | None) -> Finding | None:
    row, lost = judged.row, -judged.row.variance
    money = case.worth.of(max(lost, 0))
    if lost <= 0 or tail(judged.z) > case.felt(row.at) or (money or 0) < case.terms.minimum_money:
        return None
    if following is not None and 2 * following.row.variance >= lost:
        return None
    return Finding(
        key=f"count/{row.at}",
        subject=case.sku,
        window_start=moment_of(row.since),
        window_end=moment_of(row.at),
        severity=severity_of(money, case.terms.medium_money, case.terms.high_money),
        stage=_stage(case, row.at),
        summary=f"{plain(quantity_of(lost))} of {case.sku} missing at a count ({case.worth.say(money)})",
        evidence=_evidence([judged], tail(judged.z)),
        policy_version=case.policy.version,
        news=f"{row.counted}/{row.book}/{judged.noise:.4f}/{judged.z:.4f}",
        over=following is not None,
    )


def _slow(case: Case, run: Run, end: Judged | None) -> Finding | None:
    money = case.worth.of(max(run.lost, 0))
    if run.level < case.limit_at(run.until) or run.counts < 2 or (money or 0) < case.terms.minimum_money:
        return None
    within = [judged for judged in case.judged if run.since <= judged.row.since and judged.row.at <= run.until]
    return Finding(
        key=f"run/{run.since}",
        subject=case.sku,
        window_start=moment_of(run.since),
        window_end=moment_of(run.until),
        severity=severity_of(money, case.terms.medium_money, case.terms.high_money),
        stage=_stage(case, run.until),
        summary=f"{plain(quantity_of(run.lost))} of {case.sku} lost little by little in {run.counts} counts ({case.worth.say(money)})",
        evidence=_evidence(within, run.probability),
        policy_version=case.policy.version,
        news=f"{run.until}/{run.lost}/{run.level:.3f}",
        over=end is not None,
    )


def _stage(case: Case, until: int) -> Stage:
    return "confirmed" if case.clock >= until + _SETTLED_AFTER else "provisional"


def _evidence(within: Sequence[Judged], probability: float) -> Evidence:
    shown = within[-8:]
    lines = ", ".join(f"{plain(quantity_of(judged.row.counted))} of {plain(quantity_of(judged.row.book))}" for judged in shown)
    last = within[-1]
    return Evidence(
        observed=f"counted of what was on book: {lines}; last at {moment_of(last.row.at).isoformat(timespec='minutes')}",
        expected=f"the book less {last.rate * last.row.moved / UNITS:.2f}, within {1.96 * last.noise:.2f} either way",
        probability=written(probability),
        baseline_window=f"{moment_of(within[0].row.since).isoformat(timespec='minutes')}/{moment_of(last.row.at).isoformat(timespec='minutes')}",
        event_ids=tuple(UUID(bytes=judged.row.event) for judged in within[-100:]),
    )
