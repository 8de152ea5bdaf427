"""The literal table of every projection: what it reads, what it folds, and what it is made by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from contracts.topics import ALERTS, DEAD_LETTERS, REFERENCE_DATA, REORDER_RECOMMENDATIONS, STORE_FACTS, TOPICS
from projections.batching import Covers
from projections.read_models.attendance_day import mapping as attendance_day
from projections.read_models.attendance_day.write import AttendanceDays
from projections.read_models.event_index import mapping as event_index
from projections.read_models.event_index.write import EventIndex
from projections.read_models.event_log import mapping as event_log
from projections.read_models.incoming_goods import mapping as incoming_goods
from projections.read_models.incoming_goods.write import IncomingGoods
from projections.read_models.open_alerts import mapping as open_alerts
from projections.read_models.open_alerts.write import OpenAlerts
from projections.read_models.reference_data import mapping as reference_data
from projections.read_models.reference_data.write import ReferenceData
from projections.read_models.reorder_recommendations import mapping as reorder_recommendations
from projections.read_models.reorder_recommendations.write import ReorderRecommendations
from projections.read_models.sales_lines import mapping as sales_lines
from projections.read_models.stock_on_hand import mapping as stock_on_hand
from projections.read_models.stock_on_hand.write import StockOnHand
from projections.read_models.stores import mapping as stores
from projections.read_models.stores.write import Stores
from projections.read_models.till_days import mapping as till_days
from projections.read_models.till_days.write import TillDays
from projections.read_models.till_periods import mapping as till_periods
from projections.read_models.till_periods.write import TillPeriods
from projections.sinks import processor_letters
from projections.sinks.clickhouse import event_log_sink, sales_sink
from projections.sinks.clickhouse_facts_declared import FACTS, facts_sink
from projections.sinks.postgres import PostgresModel, PostgresSink
from projections.sinks.processor_letters import ProcessorLetters
from projections.sinks.sink import Sink, SinkContext

_LONGEST_PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Declared:
    """One projection. `covers`: topic to the event types that it folds, None for every record.

    `linger_seconds`: after a small batch it waits so long for more, since a batch costs the same however small it is.
    `max_records`: how many records are a batch at most. `stands_back`: where the machine is busy, it waits longer.
    """

    name: str
    store: Literal["postgres", "clickhouse"]
    covers: Covers
    mapping_version: int
    factory: Callable[[SinkContext], Sink]
    linger_seconds: float = 0.2
    max_records: int = 5_000
    stands_back: bool = True

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics it reads."""
        return tuple(self.covers)

    def pause_after(self, seconds: float) -> float:
        """Return for how long it waits after a small batch that took so many seconds.

        One that took long was written by a busy machine, which has less to do when all wait for more.
        """
        return max(self.linger_seconds, min(seconds, _LONGEST_PAUSE_SECONDS)) if self.stands_back else self.linger_seconds


def _postgres(name: str, covers: Covers, mapping_version: int, model: Callable[[], PostgresModel]) -> Declared:
    return Declared(name, "postgres", covers, mapping_version, lambda context: PostgresSink(context, covers, model()))


def _facts(name: str) -> Declared:
    """Histories are looked at later: they wait longer for more, since a batch costs the same however small it is."""
    return Declared(name, "clickhouse", FACTS[name].covers, FACTS[name].mapping_version, facts_sink(name), linger_seconds=2.0)


PROJECTIONS: dict[str, Declared] = {
    declared.name: declared
    for declared in (
        _postgres("event_index", {STORE_FACTS: event_index.COVERED_TYPES}, event_index.MAPPING_VERSION, EventIndex),
        _postgres("stores", {REFERENCE_DATA: stores.COVERED_TYPES, STORE_FACTS: stores.STORE_SCOPED_TYPES}, stores.MAPPING_VERSION, Stores),
        _postgres("stock_on_hand", {STORE_FACTS: stock_on_hand.COVERED_TYPES}, stock_on_hand.MAPPING_VERSION, StockOnHand),
        _postgres("incoming_goods", {STORE_FACTS: incoming_goods.COVERED_TYPES}, incoming_goods.MAPPING_VERSION, IncomingGoods),
        _postgres("reference_data", {REFERENCE_DATA: reference_data.COVERED_TYPES}, reference_data.MAPPING_VERSION, ReferenceData),
        _postgres("attendance_day", {STORE_FACTS: attendance_day.COVERED_TYPES}, attendance_day.MAPPING_VERSION, AttendanceDays),
        _postgres("till_days", {STORE_FACTS: till_days.COVERED_TYPES}, till_days.MAPPING_VERSION, TillDays),
        _postgres("till_periods", {STORE_FACTS: till_periods.COVERED_TYPES}, till_periods.MAPPING_VERSION, TillPeriods),
        _postgres(
            "open_alerts",
            {ALERTS: open_alerts.COVERED_TYPES, STORE_FACTS: open_alerts.ANSWER_TYPES},
            open_alerts.MAPPING_VERSION,
            OpenAlerts,
        ),
        _postgres(
            "reorder_recommendations",
            {REORDER_RECOMMENDATIONS: reorder_recommendations.COVERED_TYPES},
            reorder_recommendations.MAPPING_VERSION,
            ReorderRecommendations,
        ),
        _postgres("dead_letters", {DEAD_LETTERS: None}, processor_letters.MAPPING_VERSION, ProcessorLetters),
        Declared(
            "sales",
            "clickhouse",
            {STORE_FACTS: sales_lines.COVERED_TYPES},
            sales_lines.MAPPING_VERSION,
            sales_sink,
            max_records=30_000,
            linger_seconds=0.05,
            stands_back=False,
        ),
        *map(_facts, FACTS),
        Declared("event_log", "clickhouse", dict.fromkeys(TOPICS), event_log.MAPPING_VERSION, event_log_sink, linger_seconds=1.0),
    )
}
