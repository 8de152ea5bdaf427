"""From receipts to the columns of their lines and tenders, without a row in between; pure.

For what was read by `quick_receipts`; everything else is mapped row by row in `mapping`, which says what each column means. The same
receipt gives the same rows either way.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contracts.compiled import CompiledType, compiled_type
from contracts.events.registry import SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED
from contracts.money import without_tax
from contracts.payment_direction import direction
from contracts.quick_heads import Head, quick_head
from contracts.records import LogRecord
from contracts.upcasting import UPCASTERS
from projections.read_models.sales_lines.mapping import SALE_TYPES, version_of
from projections.read_models.sales_lines.table import RECEIPT_TENDERS, SALES_LINES
from projections.sinks.clickhouse_table import ClickHouseTable

_Ints = npt.NDArray[np.int64]
_HOUR_US: Final = 3_600_000_000
_MINUTE_US: Final = 60_000_000
_SECOND_US: Final = 1_000_000
_QUANTITY: Final = next(column.arrow for column in SALES_LINES.columns if column.name == "quantity")
_DIRECTIONS: Final = {kind: direction(kind == SALE_RETURNED, kind == SALE_VOIDED, ()) for kind in SALE_TYPES}
"""Which way the money of a receipt went that takes nothing back on a line."""


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """A receipt as it was compiled, and where it stands on the log; `recorded_ms` is the broker's time in Unix milliseconds."""

    head: Head
    partition: int
    position: int
    recorded_ms: int
    content: Any


class ReceiptColumns(NamedTuple):
    """The rows of receipts, in their order, and how many each has."""

    lines: pa.Table
    line_counts: _Ints
    tenders: pa.Table
    tender_counts: _Ints


def quick_receipts(records: Sequence[LogRecord]) -> list[Receipt | None]:
    """Read the receipts that are in canonical form; None leaves a record to the mapping of rows."""
    found: list[Receipt | None] = [None] * len(records)
    alike: dict[str, list[tuple[int, Head, LogRecord, bytes]]] = {kind: [] for kind in _kinds()}
    for place, record in enumerate(records):
        head = quick_head(record)
        if head is not None and head.event_type in alike and record.value is not None:
            alike[head.event_type].append((place, head, record, record.value))
    for event_type, rows in alike.items():
        contents = _kinds()[event_type].all_judged([value for *_, value in rows])
        for (place, head, record, _), content in zip(rows, contents, strict=True):
            if content is not None:
                found[place] = Receipt(head, record.partition, record.offset, record.timestamp, content)
    return found


@lru_cache(maxsize=1)
def _kinds() -> Mapping[str, CompiledType]:
    """Return how contents are read, of the types that are read so; made when it is first needed, for it takes a while."""
    found = {kind: compiled_type(kind) for kind in (SALE_COMPLETED, SALE_RETURNED, SALE_VOIDED) if kind not in UPCASTERS}
    return {kind: compiled for kind, compiled in found.items() if compiled is not None}


def receipt_columns(receipts: Sequence[Receipt], first_position_wins: bool = True) -> ReceiptColumns:
    """Return the rows of receipts in both tables."""
    contents = [each.content for each in receipts]
    line_counts = np.array([len(content.lines) for content in contents], np.int64)
    tender_counts = np.array([len(content.tenders) for content in contents], np.int64)
    lines = list(chain.from_iterable([content.lines for content in contents]))
    tenders = list(chain.from_iterable([content.tenders for content in contents]))
    kinds = [line.kind for line in lines]
    shared = _of_origin(receipts, first_position_wins) | _of_receipt(receipts, contents)
    shared["direction"] = _integers(_directions(receipts, "return" in kinds), pa.int16())
    shared["line_count"], shared["tender_count"] = (_integers(counts, pa.uint32()) for counts in (line_counts, tender_counts))
    return ReceiptColumns(
        _table(SALES_LINES, shared, line_counts, _of_lines(lines, kinds)),
        line_counts,
        _table(RECEIPT_TENDERS, shared, tender_counts, _of_tenders(tenders, tender_counts)),
        tender_counts,
    )


def _of_origin(receipts: Sequence[Receipt], first_position_wins: bool) -> dict[str, pa.Array]:
    heads = [each.head for each in receipts]
    positions = [each.position for each in receipts]
    occurred = np.array([head.occurred_us for head in heads], np.int64)
    offsets = np.array([head.offset_minutes for head in heads], np.int64)
    shown = (occurred + offsets * _MINUTE_US) // _HOUR_US * _HOUR_US
    return {
        "store_id": _texts([head.store_id for head in heads]),
        "business_date": pa.array([head.day for head in heads], pa.date32()),
        "event_id": _fixed(pa.binary(16), len(heads), b"".join([head.identity for head in heads])),
        "event_type": _texts([head.event_type for head in heads]),
        "is_correction": _integers(np.zeros(len(heads)), pa.uint8()),
        "event_hash": pa.array([head.event_hash for head in heads], pa.int64()),
        "partition": pa.array([each.partition for each in receipts], pa.uint32()),
        "position": pa.array(positions, pa.uint64()),
        "version": pa.array([version_of(position, first_position_wins) for position in positions], pa.uint64()),
        "recorded_at": _times("ms", np.array([each.recorded_ms for each in receipts], np.int64)),
        "occurred_at": _times("us", occurred),
        "hour_start": _times("s", (shown - offsets * _MINUTE_US) // _SECOND_US),
        "utc_offset_minutes": _integers(offsets, pa.int16()),
    }


def _of_receipt(receipts: Sequence[Receipt], contents: Sequence[Any]) -> dict[str, pa.Array]:
    phases = [each.content.phase if each.head.event_type == SALE_VOIDED else "" for each in receipts]
    return {
        "phase": _texts(phases),
        "currency": _texts([content.currency for content in contents]),
        "receipt_id": _texts([content.receipt_id for content in contents]),
        "channel": _texts([content.channel for content in contents]),
        "till_id": _texts([content.till_id or "" for content in contents]),
        "employee_id": _texts([content.employee_id or "" for content in contents]),
        "period_id": _texts([content.period_id or "" for content in contents]),
    }


def _of_lines(lines: Sequence[Any], kinds: Sequence[str]) -> dict[str, pa.Array]:
    gross, discount, tax = [line.gross for line in lines], [line.discount for line in lines], [line.tax for line in lines]
    for number, line in enumerate(lines):
        if line.tax_included:
            gross[number], discount[number] = without_tax(line.gross, line.discount, line.tax)
    return {
        "line": pa.array([line.line for line in lines], pa.uint32()),
        "kind": _texts(kinds),
        "sku": _texts([line.sku for line in lines]),
        "quantity": _quantities([line.quantity for line in lines]),
        "gross": pa.array(gross, pa.int64()),
        "discount": pa.array(discount, pa.int64()),
        "tax": pa.array(tax, pa.int64()),
        "promotion_id": _texts([line.promotion_id or "" for line in lines]),
    }


def _of_tenders(tenders: Sequence[Any], counts: _Ints) -> dict[str, pa.Array]:
    """Tenders are numbered from 1 within their receipt."""
    begins = np.repeat(np.cumsum(counts) - counts, counts)
    return {
        "tender": _integers(np.arange(len(tenders)) - begins + 1, pa.uint32()),
        "kind": _texts([tender.kind for tender in tenders]),
        "amount": pa.array([tender.amount for tender in tenders], pa.int64()),
        "change": pa.array([tender.change for tender in tenders], pa.int64()),
        "tip": pa.array([tender.tip for tender in tenders], pa.int64()),
    }


def _directions(receipts: Sequence[Receipt], are_lines_taken_back: bool) -> _Ints:
    if not are_lines_taken_back:
        return np.array([_DIRECTIONS[each.head.event_type] for each in receipts], np.int64)
    said = [(each.head.event_type, each.content.lines) for each in receipts]
    return np.array([direction(kind == SALE_RETURNED, kind == SALE_VOIDED, lines) for kind, lines in said], np.int64)


def _table(table: ClickHouseTable, shared: Mapping[str, pa.Array], counts: _Ints, own: Mapping[str, pa.Array]) -> pa.Table:
    """Say what all rows of a receipt have in common once for each of them."""
    wanted = [column.name for column in table.columns]
    repeated = pa.record_batch({name: shared[name] for name in wanted if name not in own})
    if not (counts == 1).all():
        repeated = repeated.take(pa.array(np.repeat(np.arange(len(counts)), counts)))
    return pa.Table.from_arrays([own[name] if name in own else repeated.column(name) for name in wanted], schema=table.schema)


def _texts(texts: Sequence[str]) -> pa.Array:
    """Convert texts; what all of them say, as a currency or the kind of a line often is, only once."""
    if texts and texts.count(texts[0]) == len(texts):
        return pa.repeat(pa.scalar(texts[0], pa.string()), len(texts))
    return pa.array(texts, pa.string())


def _integers(numbers: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    return pa.array(numbers.astype(kind.to_pandas_dtype()))


def _times(unit: str, numbers: _Ints) -> pa.Array:
    return _fixed(pa.timestamp(unit, tz="UTC"), len(numbers), numbers)


def _fixed(kind: pa.DataType, length: int, buffer: Any) -> pa.Array:
    return pa.Array.from_buffers(kind, length, [None, pa.py_buffer(buffer)])


def _quantities(texts: Sequence[str]) -> pa.Array:
    """Convert each quantity once, for the same few come again and again."""
    encoded = _texts(texts).dictionary_encode()
    return pa.array(list(map(Decimal, encoded.dictionary.to_pylist())), _QUANTITY).take(encoded.indices)
