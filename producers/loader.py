"""Load a file of any POS export: read, translate, skip what the log has, send the rest, quarantine what is refused.

Loading again changes nothing, and a load killed anywhere goes on by being run again: ids and bytes depend on the
file and the mapping alone, and everything that may be incomplete is sent again under the same ids.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

from contracts.business_time import in_zone
from contracts.codec import content_hash, encode, event_hash
from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.reference import SkuDefined
from contracts.events.registry import SKU_DEFINED
from contracts.fields import Model
from contracts.identifiers import derived_id
from contracts.topics import STORE_FACTS
from infra.clock import monotonic_seconds, utc_now
from infra.kafka.publisher import Publisher
from producers.load_summary import LoadProgress, LoadSummary
from producers.mappings.schema import LINE_CLASSES, CsvMapping
from producers.publisher import EventPublisher
from producers.quarantine import Quarantine, quarantined
from producers.sources.mapped_csv import ReceiptKey, Shape, Translation
from producers.sources.readings import LineRefused
from producers.sources.receipts import SourceEvent
from producers.sources.stores import source_of
from producers.tables.opening import opened, raw_encoding
from producers.ticks import SimulatedTicks


class KnownEvents(Protocol):
    """What the log has already. Reads of an index that is not caught up cost repeats, never a loss."""

    async def hashes(self, store_id: str, event_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Return the content hash of those of the events that the log has."""
        ...


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What to load and how. `ticks` is for stacks with simulated time only; `reach` passes the named points of the work.

    A file is history: no rule speaks of its moments, so a tick a day is enough for what grows old.

    The points: `versions_sent` (reference data is durable, no fact is sent) and `batch_sent` (some facts wait for their acknowledgement).
    """

    file: Path
    mapping: CsvMapping
    ticks: bool = False
    tick_interval: timedelta = timedelta(days=1)
    batch_events: int = 500
    batch_lines: int = 10_000
    now: Callable[[], datetime] = field(default=utc_now)
    reach: Callable[[str], None] = lambda _: None


async def load(
    options: LoadOptions, publisher: Publisher, known: KnownEvents, quarantine: Quarantine, progress: Callable[[LoadProgress], None]
) -> LoadSummary:
    """Load one file and return what happened; NotDurable, FileUnreadable, MappingDoesNotFit or FileChanged end it."""
    began = monotonic_seconds()
    run = _Load(options, await EventPublisher.over(publisher), known, quarantine, progress)
    await run.everything()
    run.summary.seconds = monotonic_seconds() - began
    run.report("done")
    return run.summary


class _Load:
    """One run over one file."""

    def __init__(
        self,
        options: LoadOptions,
        publisher: EventPublisher,
        known: KnownEvents,
        quarantine: Quarantine,
        progress: Callable[[LoadProgress], None],
    ) -> None:
        self._options, self._mapping = options, options.mapping
        self._publisher, self._known, self._quarantine, self._progress = publisher, known, quarantine, progress
        self._ticks = SimulatedTicks(source_of(options.mapping), options.tick_interval, publisher.partitions)
        self._total_lines = self._lines = 0
        self._latest: datetime | None = None
        self.summary = LoadSummary()

    async def everything(self) -> None:
        """Count, then reference data, facts and ticks in order, then SKUs and the last ticks."""
        self.report("counting")
        translation = await asyncio.to_thread(self._counted)
        await self._versions(translation)
        await self._facts(translation)
        translation.finish()
        await self._skus(translation)
        await self._closing_ticks()
        await self._publisher.settle()
        self.summary.take_lines(translation.tally, LINE_CLASSES)

    def report(self, phase: str) -> None:
        """Tell how far the load is."""
        summary = self.summary
        counted = (self._lines, self._total_lines, summary.sent, summary.already_loaded, summary.refused)
        self._progress(LoadProgress(phase, *counted))  # type: ignore[arg-type]

    def _counted(self) -> Translation:
        with opened(self._options.file, self._mapping.format) as (header, rows):
            shape = Shape(self._mapping, header)
            counts = shape.count(rows)
        self._total_lines = sum(counts.values())
        translation = Translation(shape, counts, self._options.now())
        _meet_stores(translation, counts.keys())
        return translation

    async def _versions(self, translation: Translation) -> None:
        stores = translation.stores.defined()
        self.summary.stores = len(stores)
        for version in [*stores, *translation.stores.policies()]:
            if not await self._may_send(version):
                continue
            if version.store_id == CHAIN_WIDE:
                await self._publisher.publish_chain_wide(version)
            else:
                await self._publisher.publish_store_version(version)
        await self._publisher.settle()
        self._options.reach("versions_sent")

    async def _may_send(self, version: Event[Model]) -> bool:
        """Versions are sent again although known: a load that was killed may have written some of their copies only."""
        known = (await self._known.hashes(version.store_id, [version.id])).get(version.id)
        if known is not None and known != event_hash(version):
            self.summary.differing(version)
            return False
        self.summary.versions += 1
        return True

    async def _facts(self, translation: Translation) -> None:
        batch: list[SourceEvent] = []
        flushed_at = 0
        with opened(self._options.file, self._mapping.format) as (_, rows):
            for lines, row in enumerate(rows, 1):
                batch += translation.add(row)
                if len(batch) >= self._options.batch_events or lines - flushed_at >= self._options.batch_lines:
                    self._lines = flushed_at = lines
                    await self._flush(batch, translation)
                    batch = []
                    self.report("loading")
            self._lines = self._total_lines
        await self._flush(batch, translation)

    async def _flush(self, batch: list[SourceEvent], translation: Translation) -> None:
        if translation.refused:
            source, encoding = source_of(self._mapping), raw_encoding(self._options.file, self._mapping.format)
            await self._quarantine.add([quarantined(source, line, encoding) for line in translation.refused])
            self.summary.refused += len(translation.refused)
            translation.refused.clear()
        known = await self._known_hashes([found.event for found in batch])
        for found in batch:
            await self._send(found, known)
        self._options.reach("batch_sent")

    async def _known_hashes(self, events: Sequence[Event[Model]]) -> dict[UUID, int]:
        by_store: dict[str, list[UUID]] = defaultdict(list)
        for event in events:
            by_store[event.store_id].append(event.id)
        answers = await asyncio.gather(*(self._known.hashes(store, ids) for store, ids in by_store.items()))
        return {event_id: known for answer in answers for event_id, known in answer.items()}

    async def _send(self, found: SourceEvent, known: Mapping[UUID, int]) -> None:
        event, summary = found.event, self.summary
        summary.take(found)
        await self._tick_before(event.envelope.occurred_at)
        record = encode(event, STORE_FACTS)
        earlier = known.get(event.id)
        if earlier is None:
            await self._publisher.send(record)
            summary.sent += 1
        elif earlier == content_hash(record.headers, record.value):
            summary.already_loaded += 1
        else:
            summary.differing(event, found)

    async def _tick_before(self, occurred_at: datetime) -> None:
        self._latest = max(self._latest or occurred_at, occurred_at)
        if self._options.ticks:
            for tick in self._ticks.before(occurred_at):
                await self._publisher.publish_ticks([tick])
                self.summary.ticks += 1

    async def _closing_ticks(self) -> None:
        if self._options.ticks and self._latest is not None:
            for tick in self._ticks.closing(_end_of_day(self._latest, self._mapping)):
                await self._publisher.publish_ticks([tick])
                self.summary.ticks += 1

    async def _skus(self, translation: Translation) -> None:
        """Send a version of each SKU, known ones too; its name is part of its id, so a file that names it otherwise says so anew."""
        versions = [_sku_version(self._mapping, sku, name) for sku, name in sorted(translation.tally.skus.items())]
        for version in versions:
            await self._publisher.publish_reference_only(version)
            self.summary.versions += 1


def _meet_stores(translation: Translation, keys: Iterable[ReceiptKey]) -> None:
    for text in {key[0] for key in keys}:
        with suppress(LineRefused):  # its lines are refused one by one when they are read
            _ = translation.stores.by_text[text]


def _end_of_day(latest: datetime, mapping: CsvMapping) -> datetime:
    """Return a moment by which the business date of the last fact has ended in every store of the mapping."""
    zones = {mapping.stores.defaults.timezone} | {store.timezone for store in mapping.stores.table.values() if store.timezone}
    ends = [
        in_zone(latest, zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1, hours=1) for zone in zones
    ]  # an hour for clock changes
    cut_offs = [mapping.stores.defaults.cut_off_hour, *(store.cut_off_hour or 0 for store in mapping.stores.table.values())]
    return max(ends) + timedelta(hours=max(cut_offs))


def _sku_version(mapping: CsvMapping, sku: str, name: str | None) -> Event[Model]:
    version, effective_from = mapping.stores.version, mapping.stores.effective_from
    envelope = Envelope(
        id=derived_id("sku", source_of(mapping), sku, str(version), name or sku),
        source=source_of(mapping),
        type=SKU_DEFINED,
        occurred_at=effective_from,
        tenant_id=mapping.tenant,
        store_id=CHAIN_WIDE,
        history=True,
    )
    return Event(envelope, SkuDefined(version=version, effective_from=effective_from, sku=sku, name=name or sku))
