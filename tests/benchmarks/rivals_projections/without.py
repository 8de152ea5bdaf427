"""Leave out parts of what a projection guarantees, in a process of a measurement only: what each of them costs."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from contracts import quick_heads
from contracts.compiled import CompiledForm
from projections.sinks import clickhouse
from projections.sinks.clickhouse import ClickHouseSink
from projections.sinks.clickhouse_sales import SalesModel
from projections.sinks.seen_ids import FromTheFirst


def _no_validation() -> None:
    CompiledForm.accepts = lambda *_: True  # type: ignore[method-assign]


def _no_hash() -> None:
    quick_heads.said_hash = lambda *_: 0  # type: ignore[attr-defined]


def _no_look_up() -> None:
    SalesModel._known = _nothing_known  # type: ignore[method-assign, assignment]


def _no_sums() -> None:
    SalesModel.sum_again = _nothing  # type: ignore[method-assign, assignment]


def _no_accounts() -> None:
    """Positions advance, nothing else is asked of Postgres or written there."""
    ClickHouseSink._number = _one  # type: ignore[method-assign, assignment]
    clickhouse.set_aside_on = _take_all  # type: ignore[assignment, attr-defined]
    clickhouse.settle = _no_rows  # type: ignore[assignment, attr-defined]


def _always_look_up() -> None:
    FromTheFirst.covers = lambda *_: False  # type: ignore[method-assign]


async def _nothing_known(*_: Any) -> dict[Any, int]:
    return {}


async def _nothing(*_: Any) -> None:
    return None


async def _one(*_: Any) -> int:
    return 1


async def _take_all(_: Any, __: Any, splits: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    return [record for split in splits for record in split.taken], []


async def _no_rows(*_: Any) -> tuple[Any, ...]:
    return ()


PARTS: Final[dict[str, Callable[[], None]]] = {
    "judging content beyond its types": _no_validation,
    "the hash of every event": _no_hash,
    "looking up what is known": _no_look_up,
    "summing touched store-days again": _no_sums,
    "numbers, discards and ledger": _no_accounts,
}
OTHERWISE: Final[dict[str, Callable[[], None]]] = {"looking up every event, as after a restart": _always_look_up}


def leave_out(names: Sequence[str]) -> None:
    """Leave these parts out of this process, or do them otherwise."""
    for name in names:
        (PARTS | OTHERWISE)[name]()
