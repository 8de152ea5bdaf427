"""What a worker reads back from the changelog, fetch by fetch: the newest of each key, and how far it is while it reads."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import faust
import pytest

from infra.settings import Settings
from processors.key_index import KeyIndex
from processors.readiness import Recovering, is_ready, mark_ready, mark_recovering, recovering
from processors.rules.demand.days import DEMAND, Demand
from processors.shell import table as table_module
from processors.shell import watchdog as watchdog_module
from processors.shell.exits import Exit
from processors.shell.recovering import report_recovery
from processors.shell.table import StateTable, written_key
from processors.shell.watchdog import Watchdog
from processors.state import encode
from tillstream.composition import recoveries, worker_directory
from tillstream.progress import ConsumerProgress
from tillstream.standing import Standing


class _Left(Exception):
    """The worker would have ended itself."""


def _leave(code: Exit, reason: str) -> NoReturn:
    raise _Left(code, reason)


def _value(applied: int, due_at: int | None = None) -> bytes:
    return encode(DEMAND, Demand(until=applied), applied, due_at, "chain")


def _record(key: str, value: bytes | None, offset: int = 0) -> Any:
    return SimpleNamespace(key=written_key(key), value=value, offset=offset)


def _fetch(partition: int, *records: Any) -> Any:
    return SimpleNamespace(message=SimpleNamespace(partition=partition), value=list(records))


@pytest.fixture
def table() -> StateTable:
    """A table of no app that runs."""
    app = faust.App("recovery", broker="kafka://nowhere", store="memory://", web_enabled=False)
    return StateTable(app, name="states", key_type=str, value_type=bytes)


def test_of_each_key_what_has_the_highest_applied_offset_is_kept(table: StateTable) -> None:
    """Within one fetch and across fetches; what is older and comes later is to be written again."""
    milk, beer, tea = "S1|demand|MILK", "S2|demand|BEER", "S1|demand|TEÄ"
    fetches = [
        _fetch(0, _record(milk, _value(5)), _record(milk, _value(7)), _record(milk, _value(6)), _record(tea, _value(1))),
        _fetch(1, _record(beer, _value(3))),
        _fetch(0, _record(tea, _value(0)), _record(tea, _value(1, due_at=9))),
    ]
    table.apply_changelog_batch(fetches)
    assert table.data.data == {milk: _value(7), beer: _value(3), tea: _value(1, due_at=9)}
    assert table.data._key_partition == {milk: 0, beer: 1, tea: 0}
    assert table._stale == {milk: 0}, "the last record of the other stale key is as new as any"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b'"S1|demand|MILK"', b"\xc1"),
        (b'"S1|demand|MILK"', None),
        (b"S1|demand|MILK", _value(1)),
        (b'"MILK"', _value(1)),
        (None, _value(1)),
    ],
)
def test_a_record_that_cannot_be_read_ends_the_worker(
    table: StateTable, monkeypatch: pytest.MonkeyPatch, key: bytes | None, value: bytes | None
) -> None:
    """A damaged or deleted value, or a key that is none: going on would be a silent loss."""
    monkeypatch.setattr(table_module, "leave", _leave)
    with pytest.raises(_Left, match="2@7") as left:
        table.apply_changelog_batch([_fetch(2, SimpleNamespace(key=key, value=value, offset=7))])
    assert left.value.args[0] == Exit.UNREADABLE_STATE


def test_an_index_of_everything_says_what_one_says_that_was_told_key_by_key() -> None:
    """Stores, due times and the order of looks are the same; what a retired kind kept is due at once."""
    held = {f"S{n % 3}|demand|{n}": _value(n, None if n % 5 == 0 else 100 - n) for n in range(40)}
    held["S1|gone|x"] = _value(1, 50)
    held["S1|gone|pruned"] = encode(DEMAND, None, 1, 60, "chain")
    whole, told = KeyIndex(frozenset({"gone"})), KeyIndex()
    whole.rebuild(held, {key: int(key[1]) % 2 for key in held})
    for key in held:
        n = int(key.rpartition("|")[2]) if "demand" in key else 0
        due_at = {"S1|gone|x": 0, "S1|gone|pruned": 60}.get(key, None if n % 5 == 0 else 100 - n)
        told.of(int(key[1]) % 2).note(key, due_at)
    for partition in (0, 1):
        one, other = whole.of(partition), told.of(partition)
        assert (one.stores, one.due) == (other.stores, other.due)
        assert one.take(90) == other.take(90) != []


def test_a_worker_that_recovers_says_how_far_it_is_until_it_is_ready(tmp_path: Path) -> None:
    """What a process said that is gone does not count, nor is one ready that recovers again."""
    assert recovering(tmp_path) is None
    mark_recovering(tmp_path, 3, 10)
    assert recovering(tmp_path) == Recovering(os.getpid(), 3, 10)
    mark_ready(tmp_path)
    assert recovering(tmp_path) is None
    assert is_ready(tmp_path, os.getpid())
    mark_recovering(tmp_path, 0, 5)
    assert not is_ready(tmp_path, os.getpid())
    program = f"from pathlib import Path; from processors.readiness import *; mark_recovering(Path({str(tmp_path)!r}), 1, 2)"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert recovering(tmp_path) is None


async def test_progress_is_told_of_what_was_there_at_the_beginning() -> None:
    """The end of the changelog is known from the first look on; between two recoveries nothing is told."""
    left, told = iter([None, 90, 40, 0, None, 7, None]), list[tuple[int, int]]()
    app = SimpleNamespace(tables=SimpleNamespace(recovery=SimpleNamespace()), should_stop=False, in_recovery=False)
    app.tables.recovery.active_remaining_total = lambda: app.left

    class _App:
        tables = app.tables

        @property
        def in_recovery(self) -> bool:
            app.left = next(left)
            return app.left is not None

        @property
        def should_stop(self) -> bool:
            return app.left is None and told[-1:] == [(0, 7)]

    app.left = 0
    await report_recovery(_App(), lambda records, of: told.append((records, of)), every_seconds=0)
    assert told == [(0, 90), (50, 90), (90, 90), (0, 7)]


@pytest.mark.parametrize("reads", [True, False])
def test_a_recovery_may_last_as_long_as_records_are_read(monkeypatch: pytest.MonkeyPatch, reads: bool) -> None:
    """The watchdog gives every record read the whole time again, and none to a recovery that stands still."""
    now, left = 0.0, 1_000
    monkeypatch.setattr(watchdog_module, "leave", _leave)
    monkeypatch.setattr(watchdog_module, "monotonic_seconds", lambda: now)
    recovery = SimpleNamespace(active_remaining_total=lambda: left)
    consumer = SimpleNamespace(assignment=set, progress=SimpleNamespace(expected={}))
    app = SimpleNamespace(consumer=consumer, rebalancing=False, in_recovery=True, tables=SimpleNamespace(recovery=recovery))
    watchdog = Watchdog(app, frozenset(), object, recovery=300.0)

    async def look_for(seconds: int) -> None:
        nonlocal now, left
        for _ in range(0, seconds, 100):
            now, left = now + 100, left - reads
            await watchdog._look()

    if reads:
        asyncio.run(look_for(2_000))
    else:
        with pytest.raises(_Left):
            asyncio.run(look_for(600))
        assert 300 < now <= 500


def test_the_status_says_how_far_a_worker_of_this_machine_has_recovered(tmp_path: Path) -> None:
    """Of each slot that recovers; nothing any more once it is ready."""
    settings = Settings(data_dir=tmp_path)
    slot = worker_directory(settings, 1)
    slot.mkdir(parents=True)
    mark_recovering(slot, 250, 1_000)
    (found,) = recoveries(settings)
    progress = ConsumerProgress("worker", 3, 9, members=1)
    assert "recovering: 25%, 250 of 1,000 records" in (Standing(progress, None, None, [found]).why_still() or "")
    mark_ready(slot)
    assert recoveries(settings) == []
    assert Standing(progress, None, None, recoveries(settings)).why_still() is None
    assert recoveries(settings, "chains") == []
