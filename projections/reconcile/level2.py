"""Level 2: chosen store-days are folded again from the log by the same mappings, and compared row by row with what serves.

The tables of Postgres are read at one moment, together with the positions that they are of; facts in ClickHouse below the same
positions. So the stack may live on meanwhile, and nobody has to stand still.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.codec import header
from contracts.envelope import CHAIN_WIDE
from contracts.records import LogRecord, RawRecord
from contracts.topics import REFERENCE_DATA
from infra.kafka.consumer import Partition, Record, first_offsets, read_range
from projections.batching import Part
from projections.catalogue import PROJECTIONS
from projections.generation_tables import CLICKHOUSE_TABLES, POSTGRES_TABLES
from projections.generations import list_generations
from projections.positions import read_positions
from projections.reconcile.compare import Difference, compare_rows
from projections.reconcile.days import RowScope, choose, mark_checked, read_checked
from projections.reconcile.level1 import ARCHIVE, Surroundings
from projections.reconcile.log_digest import LogState
from projections.reconcile.report import Report, StoreDay
from projections.reconcile.scratch import ScratchModel, scratch_models
from projections.reconcile.stored_rows import (
    Wanted,
    clickhouse_key,
    clickhouse_rows,
    has_positions,
    moved_days,
    postgres_key,
    postgres_rows,
)
from projections.replay.run import CannotReplay

_MODELS: Final = tuple(name for name in (*POSTGRES_TABLES, *CLICKHOUSE_TABLES) if name != ARCHIVE)
"""Of the archive, level 1 compares every record; the rules' letters are rows of what is on the log as it is."""
_READ_AT_ONCE: Final = 50_000
_FED_AT_ONCE: Final = 5_000


class SecondLevel:
    """Compares the rows of store-days over one state of the log."""

    def __init__(self, around: Surroundings, state: LogState, report: Report) -> None:
        self._around, self._state, self._report = around, state, report

    async def compare(self, scope: RowScope) -> None:
        """Choose, fold, compare, and note what was found right."""
        choice = choose(self._state.days, await read_checked(self._around.engine), scope)
        self._report.unchecked = choice.later
        lack = scope.lacks(self._state.days)
        if lack is not None:
            self._report.unverified.append(f"rows: {lack}")
            return
        if not choice.now:
            return
        self._around.tell(f"folding {len(choice.now)} store-days again from the log")
        wanted = Wanted(tuple(choice.now))
        try:
            await self._compare(wanted)
        except CannotReplay as error:
            self._report.unverified.append(f"rows: {error}")

    async def _compare(self, wanted: Wanted) -> None:
        names = await self._comparable()
        async with self._around.engine.connect() as moment:
            await moment.execution_options(isolation_level="REPEATABLE READ")
            until = {name: await read_positions(moment, name, self._around.serving(name)) for name in names}
            async with scratch_models(self._around.addresses, self._around.engine, until) as models:
                if not await self._fold(models, wanted):
                    return
                found = await self._differences(moment, models, wanted)
        for difference in found:
            self._report.add(difference)
        self._report.checked = [day for day in wanted.days if day not in self._report.moving]
        await self._mark(found, is_whole=len(names) == len(_MODELS))

    async def _mark(self, found: Iterable[Difference], is_whole: bool) -> None:
        """Rows without a date concern every chosen date of their store."""
        wrong_at = {StoreDay(each.key.store_id, each.key.business_date) for each in found if each.explained is None}
        of_store = {day.store_id for day in wrong_at if not day.business_date}
        wrong = [day for day in self._report.checked if day in wrong_at or day.store_id in of_store]
        right = [day for day in self._report.checked if day not in wrong] if is_whole else []
        await mark_checked(self._around.engine, right, wrong, self._state.days)

    async def _comparable(self) -> list[str]:
        """Return the models that have applied what the log holds, by the mapping that would be applied now."""
        async with self._around.engine.connect() as conn:
            mapping = {each.projection: each.mapping_version for each in await list_generations(conn, _MODELS) if each.serving}
        found = []
        for name in _MODELS:
            declared = PROJECTIONS[name]
            behind = await self._around.wait(name, declared.topics, self._state.ends)
            if name not in mapping:
                self._report.unverified.append(f"rows of {name}: no process has ever kept it")
            elif behind is not None:
                self._report.unverified.append(f"rows of {name}: {behind}")
            elif mapping[name] != declared.mapping_version:
                self._report.unverified.append(f"rows of {name}: made by mapping version {mapping[name]}; replay it first")
            else:
                found.append(name)
        return found

    def _partitions(self, wanted: Wanted) -> list[Partition]:
        """Return the partitions that the events of the stores are on; those of no store concern every one."""
        found = {tp for store in wanted.stores for tp in self._state.partitions_of_store.get(store, ())}
        return sorted(found | {tp for tp in self._state.ends if tp.topic == REFERENCE_DATA and self._state.ends[tp]})

    async def _fold(self, models: Sequence[ScratchModel], wanted: Wanted) -> bool:
        """Feed every model with the records of the stores, each partition read once; False where the log is not there any more."""
        addresses, partitions = self._around.addresses, self._partitions(wanted)
        until = {tp: max((model.until.get(Part(*tp), 0) for model in models), default=0) for tp in partitions}
        firsts = await first_offsets(addresses.kafka_bootstrap, partitions, addresses.topic_prefix)
        gone = [f"{tp.topic}/{tp.partition} begins at {first}" for tp, first in firsts.items() if first]
        if gone:
            self._report.unverified.append(f"rows: the log no longer has its beginning ({', '.join(gone)}), and cannot be folded again")
            return False
        for tp in partitions:
            for first in range(0, until[tp], _READ_AT_ONCE):
                records = await self._read(tp, first, min(until[tp], first + _READ_AT_ONCE), {*wanted.stores, CHAIN_WIDE})
                for begin in range(0, len(records), _FED_AT_ONCE):
                    for model in models:
                        await model.feed(Part(*tp), records[begin : begin + _FED_AT_ONCE])
        return True

    async def _read(self, tp: Partition, first: int, until: int, stores: set[str]) -> list[LogRecord]:
        kept: list[LogRecord] = []

        def take(_: Partition, records: list[Record]) -> None:
            kept.extend(
                RawRecord(tp.topic, tp.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
                for r in records
                if tp.topic == REFERENCE_DATA or header(r.headers, "ce_storeid") in stores
            )

        addresses = self._around.addresses
        await read_range(addresses.kafka_bootstrap, {tp: first}, {tp: until}, take, addresses.topic_prefix)
        return kept

    async def _differences(self, moment: AsyncConnection, models: Sequence[ScratchModel], wanted: Wanted) -> list[Difference]:
        found: list[Difference] = []
        client = await self._around.clickhouse()
        try:
            async with self._around.engine.connect() as now:
                for model in models:
                    letters = await _letters(moment, model.name, self._around.serving(model.name))
                    of_model = await self._of_model(moment, now, client, model, wanted)
                    found += [each if each.kind == "row_extra" else _explained(each, letters) for each in of_model]
        finally:
            await client.close()
        return found

    async def _of_model(
        self, moment: AsyncConnection, now: AsyncConnection, client: AsyncClient, model: ScratchModel, wanted: Wanted
    ) -> list[Difference]:
        serving, name = self._around.serving(model.name), model.name
        found: list[Difference] = []
        rows: Counter[str] = Counter()
        for table in POSTGRES_TABLES.get(name, ()):
            stored = await postgres_rows(moment, name, table, serving, wanted)
            expected = await postgres_rows(now, name, table, model.generation, wanted)
            if stored is not None and expected is not None:
                rows[name] += len(expected)
                found += compare_rows(name, table.name, postgres_key(table), stored, expected)
        for of_history in CLICKHOUSE_TABLES.get(name, ()):
            stored = await clickhouse_rows(client, of_history, serving, wanted, model.until)
            expected = await clickhouse_rows(client, of_history, model.generation, wanted, model.until)
            rows[name] += len(expected)
            differences = list(compare_rows(name, of_history.stem, clickhouse_key(of_history), stored, expected))
            if differences and not has_positions(of_history):
                differences = await self._still(client, name, serving, wanted, model, differences)
            found += differences
        self._report.rows_compared[name] = rows[name]
        return found

    async def _still(
        self, client: AsyncClient, name: str, serving: int, wanted: Wanted, model: ScratchModel, found: Iterable[Difference]
    ) -> list[Difference]:
        """Leave out what differs because facts came meanwhile: sums do not say up to which place of the log they are."""
        moved = await moved_days(client, CLICKHOUSE_TABLES[name], serving, wanted, model.until)
        self._report.moving = sorted({*self._report.moving, *(moved & set(wanted.days))})
        return [each for each in found if StoreDay(each.key.store_id, each.key.business_date) not in moved]


def _explained(found: Difference, letters: Mapping[str, str]) -> Difference:
    return replace(found, explained=letters.get(found.event_id))


async def _letters(conn: AsyncConnection, projection: str, generation: int) -> dict[str, str]:
    statement = text(
        """
        SELECT event_id::text, reason, disposition FROM delivery.dead_letters
        WHERE projection = :projection AND generation = :generation AND disposition <> 'applied' AND event_id IS NOT NULL
        """
    )
    rows = (await conn.execute(statement, {"projection": projection, "generation": generation})).all()
    return {event_id: f"dead letter ({reason}, {disposition})" for event_id, reason, disposition in rows}
