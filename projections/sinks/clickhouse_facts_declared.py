"""The read models of plain facts in ClickHouse, declared once: table, types and mapping of each."""

from collections.abc import Callable
from functools import partial
from typing import Final

from contracts.topics import ALERTS, STORE_FACTS
from projections.read_models.alert_history import mapping as alert_history
from projections.read_models.alert_history.table import ALERT_HISTORY
from projections.read_models.clock_events import mapping as clock_events
from projections.read_models.clock_events.table import CLOCK_EVENTS
from projections.read_models.stock_ledger import mapping as stock_ledger
from projections.read_models.stock_ledger.table import STOCK_LEDGER
from projections.sinks.clickhouse import ClickHouseSink
from projections.sinks.clickhouse_facts import FactsDeclared, FactsModel
from projections.sinks.sink import Sink, SinkContext

FACTS: Final[dict[str, FactsDeclared]] = {
    "stock_ledger": FactsDeclared(
        STOCK_LEDGER,
        {STORE_FACTS: stock_ledger.COVERED_TYPES},
        stock_ledger.FACT_TYPES,
        stock_ledger.MAPPING_VERSION,
        stock_ledger.ledger_lines,
        stock_ledger.NOTHING,
    ),
    "clock_events": FactsDeclared(
        CLOCK_EVENTS,
        {STORE_FACTS: clock_events.COVERED_TYPES},
        clock_events.FACT_TYPES,
        clock_events.MAPPING_VERSION,
        clock_events.punch_rows,
        clock_events.NOTHING,
    ),
    "alert_history": FactsDeclared(
        ALERT_HISTORY,
        {ALERTS: alert_history.ALERT_TYPES, STORE_FACTS: alert_history.ANSWER_TYPES},
        alert_history.FACT_TYPES,
        alert_history.MAPPING_VERSION,
        alert_history.history_rows,
        alert_history.NOTHING,
    ),
}


def facts_sink(name: str) -> Callable[[SinkContext], Sink]:
    """Return what makes the sink of one of them."""
    return partial(_sink, FACTS[name])


def _sink(declared: FactsDeclared, context: SinkContext) -> Sink:
    return ClickHouseSink(context, FactsModel(declared, context.generation, context.safeguards.first_position_wins))
