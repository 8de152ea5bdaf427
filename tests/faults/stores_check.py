"""Compare what the stores hold of alerts and recommendations with what must come of the log: none missing, none wrong, none double."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from contracts.events.alerts import AlertChanged
from contracts.events.reorder import ReorderRecommended
from contracts.records import LogRecord
from contracts.topics import ALERTS, REORDER_RECOMMENDATIONS
from infra.addresses import Addresses
from infra.kafka.consumer import end_offsets
from processors.outgoing import Outgoing
from tests.processors import oracle
from tests.projections.folding import rows_of
from tests.projections.running import Scene
from tests.waiting import until

MODELS = {"open_alerts": ALERTS, "reorder_recommendations": REORDER_RECOMMENDATIONS}
_ALERT = ("alert_id", "transition", "rule", "status", "stage", "severity", "subject", "window_start", "window_end", "summary")
_ORDER = ("recommendation_id", "revision", "sku", "status", "position", "order_quantity")


def await_stores(projections: Scene, timeout: float = 120.0) -> None:
    """Wait until the models of alerts and recommendations have read everything that the rules derived."""
    place = projections.place
    ends = asyncio.run(end_offsets(place.kafka_bootstrap, MODELS.values(), place.topic_prefix))

    def behind() -> list[str]:
        return [
            f"{model} at {tp}: {position} of {end}"
            for model, topic in MODELS.items()
            for tp, end in ends.items()
            if tp.topic == topic and (position := projections.position(model, tp.partition, topic)) < end
        ]

    until(lambda: not behind(), timeout, "the stores are behind")


def store_differences(place: Addresses, due: Sequence[Outgoing | LogRecord]) -> list[str]:
    """Return where rows and log differ; every row counts, also one too many."""
    transitions = oracle.contents(due, AlertChanged)
    revisions = oracle.contents(due, ReorderRecommended)
    compared = {
        "alert_transitions": (_ALERT, transitions),
        "open_alerts": (_ALERT, oracle.alerts(due).values()),
        "reorder_revisions": (_ORDER, revisions),
        "reorder_recommendations": (_ORDER, oracle.recommendations(due).values()),
    }
    return [line for table, (columns, wanted) in compared.items() for line in _unlike(place, table, columns, wanted)]


def _unlike(place: Addresses, table: str, columns: Sequence[str], wanted: Iterable[Any]) -> list[str]:
    held = Counter(_key(row.__getitem__, columns) for row in rows_of(place, f"SELECT {', '.join(columns)} FROM read_g1.{table}"))
    asked = Counter(_key(lambda name, row=row: getattr(row, name), columns) for row in wanted)  # type: ignore[misc]
    missing, surplus = asked - held, held - asked
    shown = [f"{table}: missing {row}" for row in list(missing)[:3]] + [f"{table}: too many {row}" for row in list(surplus)[:3]]
    return [*shown, f"{table}: {missing.total()} missing, {surplus.total()} too many"] if shown else []


def _key(value: Callable[[str], Any], columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(value(name) for name in columns)
