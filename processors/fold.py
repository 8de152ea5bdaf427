"""Folds a batch of records of one partition: decode once, skip repeats, keep the clock, run the rules.

The result says what to send, what to write and in which order; it is a function of the records and
the states alone. It sends and writes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.codec import peek_type
from contracts.errors import UnreadableRecord
from contracts.events.registry import EVENT_CORRECTED, EVENT_TYPES, RULE_PROGRESSED, TICK
from contracts.quick_codec import quickly_decoded
from contracts.records import LogRecord
from contracts.topics import RETRY_APPLIED
from processors.folding import DATA_ERRORS, KEPT_TYPES, Folding, kinds_of, owners_of, rules_by_type
from processors.key_index import KeyIndex
from processors.outgoing import Outgoing, dead_letter, progress_records
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

_CONTROL = frozenset({TICK, RULE_PROGRESSED})
"""Sent again these move no clock a second time, so that says nothing about the state that could not be looked at."""

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
        self._rules = (*rules, *RETIRED)
        self._kinds = kinds_of(self._rules)
        self._owners = owners_of(self._rules)
        self._wanting = rules_by_type(self._rules)
        self._guard = guard_offsets
        self._stage = stage
        self._cache = StateCache()
        self._decoded = (KEPT_TYPES | {EVENT_CORRECTED}).union(*(rule.event_types for rule in self._rules))

    def __call__(self, records: Sequence[LogRecord], lookup: Lookup) -> Folded:
        """Fold records of one partition, in order, over the states that `lookup` finds."""
        partition = records[0].partition
        work = Workspace(lookup, self.index.of(partition), self._cache)
        folding = Folding(partition, work, self._wanting, self._rules, self._kinds, self._owners, self._guard, self._stage)
        try:
            dead = tuple(letter for record in records for letter in self._one(record, folding))
        except BaseException:
            work.settle(False)  # the batch is tried again: what was due must be due again
            raise
        return Folded(
            (*folding.derived, *dead),
            tuple(work.stages()),
            self._progress(folding, work, partition, records[-1].offset + 1),
            len(dead),
            work.settle,
        )

    def _one(self, record: LogRecord, folding: Folding) -> list[Outgoing]:
        """Fold one record, all or nothing; return its dead letter when the record is the trouble, or a state that a tick was due for."""
        event_type = peek_type(record.headers)
        if event_type in EVENT_TYPES and event_type not in self._decoded:
            return []
        try:
            event = quickly_decoded(record)
            folding.fold(event, record)
        except UnreadableRecord as error:
            folding.reject()
            return [dead_letter(record, self._stage.topic, error.code, str(error))]
        except DATA_ERRORS as error:
            folding.reject()
            return [dead_letter(record, self._stage.topic, "rule_failed", repr(error))]
        folding.accept()
        refused, folding.refused = folding.refused, []
        if event.envelope.retry_of is not None and event.type not in _CONTROL:
            folding.derived.append(dead_letter(record, self._stage.topic, RETRY_APPLIED, ""))
        return [dead_letter(record, self._stage.topic, "rule_failed", detail) for detail in refused]

    def _progress(self, folding: Folding, work: Workspace, partition: int, next_offset: int) -> tuple[Outgoing, ...]:
        clock = work.read(key_of(partition_place(partition), CLOCK, CLOCK_NAME), CLOCK).state
        if folding.ticked_by is None or not isinstance(clock, Clock):
            return ()
        return tuple(progress_records(self._stage, partition, next_offset, clock, folding.ticked_by))
