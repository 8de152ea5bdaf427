"""What must come of a log: the pure fold over it in one process, and the outcome in a form that can be compared."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.codec import decode
from contracts.events.alerts import AlertChanged
from contracts.events.reorder import ReorderRecommended
from contracts.records import LogRecord, RawRecord
from contracts.topics import DEAD_LETTERS
from processors.fold import Fold
from processors.outgoing import Outgoing
from processors.state import read_held


@dataclass
class Replica:
    """States and derived events of one partition, kept in memory, folded with the product's own fold."""

    fold: Fold = field(default_factory=Fold)
    held: dict[str, bytes] = field(default_factory=dict)
    derived: list[Outgoing] = field(default_factory=list)
    progress: list[Outgoing] = field(default_factory=list)

    def apply(self, records: Sequence[LogRecord], states_written: int | None = None) -> None:
        """Fold one batch; with `states_written` only so many states reach the store, as in a crash, which may come amid a stage."""
        folded = self.fold(records, self.held.get)
        self.derived += folded.derived
        states = [state for stage in folded.stages for state in stage.items()]
        self.held.update(states[:states_written])
        if states_written is None or states_written >= len(states):
            self.progress += folded.progress
            folded.settle(True)
        else:
            self.restart()

    def restart(self) -> None:
        """Forget all but what is held."""
        self.fold = Fold()
        partition_of: dict[str, int] = dict.fromkeys(self.held, 0)
        self.fold.index.rebuild(self.held, partition_of)

    def states(self) -> dict[str, tuple[int | None, bytes]]:
        """Return every state's due time and body."""
        return {key: (held.due_at, held.body) for key, value in self.held.items() for held in [read_held(value)]}


def replica_of(records: Sequence[LogRecord], batch: int = 1_000_000) -> Replica:
    """Fold a log from zero."""
    replica = Replica()
    for start in range(0, len(records), batch):
        replica.apply(records[start : start + batch])
    return replica


def contents(derived: Iterable[Outgoing | LogRecord], model: type[Any]) -> list[Any]:
    """Return the derived contents of a type; the first content of an id stands, as for every reader."""
    first: dict[UUID, Any] = {}
    for offset, written in enumerate(derived):
        if written.topic == DEAD_LETTERS:
            continue
        event = decode(RawRecord(written.topic, 0, offset, 0, written.key, written.value, written.headers))
        if isinstance(event.data, model):
            first.setdefault(event.id, event.data)
    return list(first.values())


def _latest(rows: Iterable[Any], identity: Callable[[Any], UUID], number: Callable[[Any], int]) -> dict[UUID, Any]:
    latest: dict[UUID, Any] = {}
    for row in rows:
        known = latest.get(identity(row))
        if known is None or number(row) > number(known):
            latest[identity(row)] = row
    return latest


def recommendations(derived: Iterable[Outgoing | LogRecord]) -> dict[UUID, ReorderRecommended]:
    """Return the last revision of each recommendation."""
    return _latest(contents(derived, ReorderRecommended), lambda row: row.recommendation_id, lambda row: row.revision)


def alerts(derived: Iterable[Outgoing | LogRecord]) -> dict[UUID, AlertChanged]:
    """Return the last transition of each alert."""
    return _latest(contents(derived, AlertChanged), lambda row: row.alert_id, lambda row: row.transition)


def open_orders(derived: Iterable[Outgoing | LogRecord]) -> dict[str, tuple[Decimal, Decimal]]:
    """Return position and order quantity of what is to be ordered."""
    return {row.sku: (row.position, row.order_quantity) for row in recommendations(derived).values() if row.status == "open"}


def ends_of_alerts(derived: Iterable[Outgoing | LogRecord]) -> dict[UUID, str]:
    """Return how each alert stands: its stage while it is open, else how it ended."""
    return {key: row.stage if row.status in {"raised", "updated"} else row.status for key, row in alerts(derived).items()}


def standing_alerts(derived: Iterable[Outgoing | LogRecord]) -> set[tuple[str, str, str]]:
    """Return subject, start and stage of what is not retracted."""
    rows = alerts(derived).values()
    return {(row.subject, row.window_start.isoformat(), row.stage) for row in rows if row.status != "retracted"}
