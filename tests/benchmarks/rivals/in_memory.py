"""The fold without a broker: what it writes, and how fast a worker would be if reading and writing the log cost nothing."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from contracts.records import OutboundRecord, RawRecord
from processors.fold import Fold
from processors.shell.consumer import cut
from tests.benchmarks.rivals.load import LINES, OPENS, Log
from tests.benchmarks.rivals.rules import chosen


@dataclass(frozen=True, slots=True)
class InMemory:
    """What came of a log that was folded without a broker: bytes of state and core seconds for each sale line, and the states."""

    bytes_a_line: float
    seconds_a_line: float
    held: dict[str, bytes]


def in_memory(rules: Sequence[str], log: Log, rush_alone: bool = False) -> InMemory:
    """Fold the log in memory, in batches as the worker takes them; what comes before the first sale, or the rush, is not counted."""
    fold, held, written, taken = Fold(chosen(rules)), dict[str, bytes](), 0, 0.0
    offset, lines = 0, log.load.rush * LINES + (not rush_alone) * log.load.lines
    for records, counts in ((log.warm, False), (log.sold, not rush_alone), (log.rushed, True)):
        for batch in cut([_raw(record, offset + n) for n, record in enumerate(records)]):
            offset += len(batch)
            began = time.process_time()
            folded = fold(batch, held.get)
            for stage in folded.stages:
                held.update(stage)
            folded.settle(True)
            taken += counts * (time.process_time() - began)
            written += counts * sum(len(value) for stage in folded.stages for value in stage.values())
    return InMemory(written / lines, taken / lines, held)


def _raw(record: OutboundRecord, offset: int) -> RawRecord:
    appended = OPENS + timedelta(days=7)  # as on the broker, long after the day: a tick ahead of its append would move no clock
    return RawRecord(record.topic, 0, offset, int(appended.timestamp() * 1000), record.key, record.value, record.headers)
