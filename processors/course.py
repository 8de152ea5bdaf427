"""The course of one batch: which sales wait to be folded with those behind them, and what becomes of records that are refused.

A run of sales of a store is folded rule by rule, with no turn from rule to rule for each sale. It ends with any other event of
the store, and with what the shell keeps for every store, the clock above all. If anything about it fails, it is folded sale by sale.
"""

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Event
from contracts.errors import UnreadableRecord
from contracts.events.registry import RULE_PROGRESSED, SALE_COMPLETED, TICK
from contracts.records import LogRecord
from contracts.topics import RETRY_APPLIED
from processors.folding import DATA_ERRORS, KEPT_TYPES, Folding, Taken
from processors.outgoing import Outgoing, dead_letter
from processors.stages import Stage

IN_RUNS = frozenset({SALE_COMPLETED})
"""What a store has most of. No rule reads what another one makes of it before the clock moves, so each may see a whole run at once."""

_CONTROL = frozenset({TICK, RULE_PROGRESSED})
"""Sent again these move no clock a second time, so that says nothing about the state that could not be looked at."""


class Course:
    """Takes the events of a batch in order, and sees to it that each is folded, all or nothing."""

    def __init__(self, folding: Folding, stage: Stage) -> None:
        self.dead: list[tuple[int, Outgoing]] = []
        """What came of trouble with records, each with the position of its record."""
        self._folding = folding
        self._stage = stage
        self._waiting: dict[str, list[Taken]] = {}

    def take(self, event: Event[Any], record: LogRecord) -> None:
        """Fold an event, or let it wait for what comes behind it; nothing stays of one that is refused."""
        envelope = event.envelope
        if envelope.type in KEPT_TYPES:
            self.finish()
            self._one(event, record)
            return
        place, in_run = self._folding.place_of(event), envelope.type in IN_RUNS
        waiting = self._waiting.get(place)
        if waiting is not None and not (in_run and waiting[0][0].envelope.tenant_id == envelope.tenant_id):
            self._run(place)
            waiting = None
        if not in_run:
            self._one(event, record)
        elif waiting is None:
            self._waiting[place] = [(event, record)]
        else:
            waiting.append((event, record))

    def finish(self) -> None:
        """Fold what waits."""
        for place in list(self._waiting):
            self._run(place)

    def refuse(self, record: LogRecord, error: Exception) -> None:
        """Leave nothing of a record but its dead letter."""
        self._folding.reject()
        reason, detail = (error.code, str(error)) if isinstance(error, UnreadableRecord) else ("rule_failed", repr(error))
        self._bury(record, reason, detail)

    def _run(self, place: str) -> None:
        """Fold the sales of a place that wait: in one go, or one by one where there is any trouble with them."""
        sales = self._waiting.pop(place)
        if len(sales) > 1:
            try:
                self._folding.fold_run(place, sales)
            except DATA_ERRORS:
                self._folding.reject()
            else:
                self._accept(sales)
                return
        for event, record in sales:
            self._one(event, record)

    def _one(self, event: Event[Any], record: LogRecord) -> None:
        """Fold one event; where states could not be looked at, its tick is a dead letter too."""
        try:
            self._folding.fold(event, record)
        except DATA_ERRORS as error:
            self.refuse(record, error)
            return
        self._accept([(event, record)])
        for detail in self._folding.refused:
            self._bury(record, "rule_failed", detail)
        self._folding.refused.clear()

    def _accept(self, taken: Sequence[Taken]) -> None:
        self._folding.accept()
        for event, record in taken:
            if event.envelope.retry_of is not None and event.type not in _CONTROL:
                self._folding.derived.append((record.offset, dead_letter(record, self._stage.topic, RETRY_APPLIED, "")))

    def _bury(self, record: LogRecord, reason: str, detail: str) -> None:
        self.dead.append((record.offset, dead_letter(record, self._stage.topic, reason, detail)))
