"""Folds a batch of records of one partition: decode once, skip repeats, keep the clock, run the rules.

The result says what to send, what to write and in which order; it is a function of the records and
the states alone. It sends and writes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.codec import peek_type
from contracts.envelope import Event
from contracts.events.registry import EVENT_CORRECTED, EVENT_TYPES
from contracts.quick_codec import compiled_events, quickly_decoded
from contracts.records import LogRecord
from processors.course import IN_RUNS, Course
from processors.folding import DATA_ERRORS, KEPT_TYPES, Folding
from processors.key_index import KeyIndex
from processors.outgoing import Outgoing, in_order, progress_records
from processors.partition_clock import CLOCK, CLOCK_NAME, Clock
from processors.rules.attendance_rules import AttendanceRules
from processors.rules.buddy_punching import BuddyPunching
from processors.rules.cashier_ledger import CashierLedger
from processors.rules.feed_silence import FeedSilence
from processors.rules.no_show_by_shift import NO_SHOW_BY_SHIFT
from processors.rules.phantom_stock import PhantomStock
from processors.rules.reorder_point import ReorderPoint
from processors.rules.retired import Retired
from processors.rules.rule import Rule
from processors.rules.sales_deviation import SalesDeviation
from processors.rules.sales_deviation_chain import SalesDeviationChain
from processors.rules.shrinkage import Shrinkage
from processors.rules.stock_out_risk import StockOutRisk
from processors.rules.till_off_shift import TillOffShift
from processors.rules.void_refund_fraud import VoidRefundFraud
from processors.ruling import Ruling
from processors.stages import Stage, StageName
from processors.state import key_of, partition_place
from processors.workspace import Lookup, StateCache, Workspace

RULES: tuple[Rule, ...] = (
    ReorderPoint(),
    AttendanceRules(),
    BuddyPunching(),
    PhantomStock(),
    Shrinkage(),
    StockOutRisk(),
    CashierLedger(),
    VoidRefundFraud(),
    TillOffShift(),
    FeedSilence(),
    SalesDeviation(),
)
"""Every rule over the facts of a store, in the order in which they see an event."""

CHAIN_RULES: tuple[Rule, ...] = (SalesDeviationChain(),)
"""Every rule that compares the stores of a chain by what they say of themselves."""

RETIRED: tuple[Retired, ...] = (NO_SHOW_BY_SHIFT,)
"""What rules of older versions kept: closed and pruned, so that a log folded by them goes on."""

RULES_OF: dict[StageName, tuple[Rule, ...]] = {"stores": RULES, "chains": CHAIN_RULES}


@dataclass(frozen=True, slots=True)
class Folded:
    """What came of a batch: send `derived`, then write each of `stages` in order, then send `progress`."""

    derived: tuple[Outgoing, ...]
    stages: tuple[dict[str, bytes], ...]
    progress: tuple[Outgoing, ...]
    dead: int
    settle: Callable[[bool], None]
    """To be called once, with whether all of it is on the log."""


class Fold:
    """Folds batches, one at a time; keeps an index of keys and decoded states, both only to be fast."""

    def __init__(self, rules: Sequence[Rule] = RULES, guard_offsets: bool = True, stage: Stage = Stage()) -> None:  # noqa: B008 - frozen
        self.index = KeyIndex(frozenset(retired.kind.name for retired in RETIRED))
        self._ruling = Ruling.of((*rules, *RETIRED))
        self._guard = guard_offsets
        self._stage = stage
        self._cache = StateCache()
        self._decoded = (KEPT_TYPES | {EVENT_CORRECTED}).union(*(rule.event_types for rule in self._ruling.rules))

    def __call__(self, records: Sequence[LogRecord], lookup: Lookup) -> Folded:
        """Fold records of one partition, in order, over the states that `lookup` finds."""
        partition = records[0].partition
        work = Workspace(lookup, self.index.of(partition), self._cache)
        folding = Folding(partition, work, self._ruling, self._guard, self._stage)
        course = Course(folding, self._stage)
        try:
            types = [peek_type(record.headers) for record in records]
            compiled = {
                name: compiled_events(name, [record for record, own in zip(records, types, strict=True) if own == name]) for name in IN_RUNS
            }
            for record, event_type in zip(records, types, strict=True):
                self._one(record, event_type, next(compiled[event_type]) if event_type in IN_RUNS else None, course)
            course.finish()
        except BaseException:
            work.settle(False)  # the batch is tried again: what was due must be due again
            raise
        return Folded(
            in_order(folding.derived) + in_order(course.dead),
            tuple(work.stages()),
            self._progress(folding, work, partition, records[-1].offset + 1),
            len(course.dead),
            work.settle,
        )

    def _one(self, record: LogRecord, event_type: str | None, compiled: Event[Any] | None, course: Course) -> None:
        """Fold one record that anybody wants to see, or say that it cannot be read."""
        if event_type in EVENT_TYPES and event_type not in self._decoded:
            return
        try:
            event = compiled or quickly_decoded(record)
        except DATA_ERRORS as error:
            course.refuse(record, error)
        else:
            course.take(event, record)

    def _progress(self, folding: Folding, work: Workspace, partition: int, next_offset: int) -> tuple[Outgoing, ...]:
        clock = work.read(key_of(partition_place(partition), CLOCK, CLOCK_NAME), CLOCK).state
        if folding.ticked_by is None or not isinstance(clock, Clock):
            return ()
        return tuple(progress_records(self._stage, partition, next_offset, clock, folding.ticked_by))
