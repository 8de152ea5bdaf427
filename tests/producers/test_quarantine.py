"""The quarantine on a real Postgres: what is kept, who sees it, what is decided about it and when it ends."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.errors import Problem
from contracts.identifiers import derived_id
from infra.addresses import Addresses
from infra.postgres.engine import async_engine, sync_engine
from producers.quarantine import QUARANTINE, PostgresQuarantine, QuarantinedEvent, QuarantinedLine
from producers.quarantine_decisions import NotOpen, ReasonMissing, claimed, discard
from producers.quarantine_expiry import OpenCount, count_expiring, count_open, expire
from producers.quarantine_reader import (
    SHOWN_BYTES,
    Entry,
    EntryCount,
    Search,
    UnknownEntry,
    Visibility,
    count_entries,
    read_entries,
    read_entry,
)
from projections.migrations.run import downgrade_postgres, migrate_postgres

pytestmark = pytest.mark.stack

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERYTHING = Visibility()
MISSING = Problem("missing", "/id", "Field required")


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Open the database of the place."""
    made = async_engine(place.postgres_dsn, "tests")
    yield made
    await made.dispose()


def event(
    raw: bytes, *, tenant: str = "demo", store: str | None = "A", source: str = "till/A/1", code: str = "missing"
) -> QuarantinedEvent:
    """Describe a refused event."""
    return QuarantinedEvent(tenant, store, "till-1", source, "application/json", (replace(MISSING, code=code),), raw)


def line(number: int, source: str = "load/retail") -> QuarantinedLine:
    """Describe a refused line."""
    return QuarantinedLine(derived_id("line", source, str(number)), source, number, "wrong_columns", "", "8 columns", b"a,b\xff")


async def keep(engine: AsyncEngine, *events: QuarantinedEvent, at: datetime = NOON) -> None:
    """Keep refused events at a moment."""
    await PostgresQuarantine(engine, now=lambda: at).add_events(events)


async def entry_of(engine: AsyncEngine, noted: QuarantinedEvent) -> Entry:
    """Read an entry back whole."""
    async with engine.connect() as connection:
        return await read_entry(connection, EVERYTHING, noted.id)


async def listed(engine: AsyncEngine, visible: Visibility = EVERYTHING, **search) -> list[bytes | None]:
    """List the bodies that a search finds, the newest first."""
    return [entry.raw for entry in await read_entries(engine, visible, Search(**search))]


def test_the_declared_table_is_the_one_that_migrations_make(place: Addresses) -> None:
    """Writers and readers of the quarantine never name a column that is not there, nor miss one."""
    engine = sync_engine(place.postgres_dsn, "tests")
    with engine.connect() as connection:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, parents: (
                name == "write" if kind == "schema" else kind != "table" or (parents["schema_name"], name) == ("write", "quarantine")
            ),
            "include_object": lambda _object, _name, kind, *_: kind != "index",
            "compare_type": True,
        }
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), QUARANTINE.metadata)
    engine.dispose()

    assert differences == []


async def test_lines_kept_before_the_revision_survive_it_both_ways(place: Addresses, engine: AsyncEngine) -> None:
    """An old line becomes an open entry that ends 90 days after it was noted, and the way back keeps it."""
    await PostgresQuarantine(engine, now=lambda: NOON).add([line(1)])

    downgrade_postgres(place.postgres_dsn, "0002")
    migrate_postgres(place.postgres_dsn)

    (kept,) = await read_entries(engine, EVERYTHING, Search())
    assert (kept.kind, kept.line_number, kept.raw, kept.status) == ("line", 1, b"a,b\xff", "open")
    assert (kept.last_seen_at, kept.expires_at) == (NOON, NOON + timedelta(days=90))


async def test_a_line_that_comes_again_changes_nothing(engine: AsyncEngine) -> None:
    """Loading a file twice leaves each refused line once, as the chain's own."""
    for moment in (NOON, NOON + timedelta(days=1)):
        await PostgresQuarantine(engine, "retail", now=lambda at=moment: at).add([line(1), line(2)])

    kept = await read_entries(engine, Visibility("retail"), Search())
    assert [(entry.noted_at, entry.seen_count) for entry in kept] == [(NOON, 1), (NOON, 1)]
    assert kept[0].problems == (Problem("wrong_columns", "", "8 columns"),)


async def test_an_event_that_comes_again_is_one_entry_with_a_counter(engine: AsyncEngine) -> None:
    """The same bytes of the same source count up; other bytes, or another chain's, are entries of their own."""
    again = NOON + timedelta(minutes=1)
    await keep(engine, event(b"{1}"), event(b"{1}"), event(b"{2}"), event(b"{1}", tenant="rival"))
    await keep(engine, event(b"{1}"), at=again)

    assert len(await listed(engine)) == 3
    first = await entry_of(engine, event(b"{1}"))
    assert (first.seen_count, first.noted_at, first.last_seen_at) == (3, NOON, again)
    assert first.expires_at == NOON + timedelta(days=90)


async def test_what_was_decided_stays_decided_when_the_event_comes_again(engine: AsyncEngine) -> None:
    """A till that goes on sending what was discarded is counted, not asked about again."""
    await keep(engine, event(b"{1}"))
    await discard(engine, EVERYTHING, event(b"{1}").id, "a test receipt", "kim", NOON)
    await keep(engine, event(b"{1}"))

    entry = await entry_of(engine, event(b"{1}"))
    assert (entry.status, entry.seen_count, entry.resolution_reason) == ("discarded", 2, "a test receipt")


async def test_pages_follow_each_other_without_gap_or_repeat(engine: AsyncEngine) -> None:
    """The newest come first, entries of one moment in the order of their ids."""
    for minute in range(3):
        await keep(engine, *(event(b"{%d-%d}" % (minute, number)) for number in range(3)), at=NOON + timedelta(minutes=minute))
    whole = await read_entries(engine, EVERYTHING, Search())

    paged: list[Entry] = []
    while page := await read_entries(engine, EVERYTHING, Search(), paged[-1].cursor if paged else None, 2):
        paged += page

    assert paged == whole
    assert [entry.noted_at.minute for entry in whole] == [2, 2, 2, 1, 1, 1, 0, 0, 0]


async def test_a_search_narrows_by_every_field(engine: AsyncEngine) -> None:
    """Source (and what is below it), code, status, store and time."""
    await keep(engine, event(b"a"), at=NOON - timedelta(days=1))
    await keep(engine, event(b"b", store="B", source="till/B/1"), event(b"c", code="unknown_store", store="C", source="till_A/1"))
    await discard(engine, EVERYTHING, event(b"b", source="till/B/1").id, "test", "kim", NOON)

    assert await listed(engine, source="till/A") == [b"a"]
    assert await listed(engine, source="till/B/1") == [b"b"]
    assert await listed(engine, source="till_A") == [b"c"]
    assert await listed(engine, code="unknown_store") == [b"c"]
    assert await listed(engine, status="discarded") == [b"b"]
    assert await listed(engine, store_id="A") == [b"a"]
    assert set(await listed(engine, since=NOON)) == {b"b", b"c"}


async def test_nobody_sees_what_is_not_theirs(engine: AsyncEngine) -> None:
    """A chain sees its own; who has some stores sees those, and nothing that names no store; nobody else's entry can be read."""
    await keep(engine, event(b"A"), event(b"none", store=None), event(b"B", store="B"), event(b"rival", tenant="rival"))

    assert set(await listed(engine, Visibility("demo"))) == {b"A", b"none", b"B"}
    assert await listed(engine, Visibility("demo", ("A",))) == [b"A"]
    assert await listed(engine, Visibility("demo", ())) == []
    assert await count_entries(engine, Visibility("rival")) == [EntryCount("till/A/1", "missing", "open", 1)]
    with pytest.raises(UnknownEntry):
        await discard(engine, Visibility("demo", ("A",)), event(b"B", store="B").id, "not mine", "kim", NOON)
    with pytest.raises(UnknownEntry):
        await discard(engine, Visibility("demo"), event(b"rival", tenant="rival").id, "not mine", "kim", NOON)


async def test_a_large_body_is_left_out_of_pages_and_whole_in_its_entry(engine: AsyncEngine) -> None:
    """A page of entries stays small."""
    large = event(b"x" * (SHOWN_BYTES + 1))
    await keep(engine, large, event(b"y" * SHOWN_BYTES))

    shown = {entry.raw_bytes: entry.raw is not None for entry in await read_entries(engine, EVERYTHING, Search())}
    assert shown == {SHOWN_BYTES: True, SHOWN_BYTES + 1: False}
    assert (await entry_of(engine, large)).raw == large.raw


async def test_discarding_needs_a_reason_and_happens_once(engine: AsyncEngine) -> None:
    """Who, when and why are kept."""
    await keep(engine, event(b"{1}"))
    for nothing in ("", "  \n"):
        with pytest.raises(ReasonMissing):
            await discard(engine, EVERYTHING, event(b"{1}").id, nothing, "kim", NOON)
    assert (await entry_of(engine, event(b"{1}"))).status == "open"

    await discard(engine, EVERYTHING, event(b"{1}").id, " a test receipt ", "kim", NOON)

    entry = await entry_of(engine, event(b"{1}"))
    assert (entry.status, entry.resolved_by, entry.resolved_at, entry.resolution_reason) == ("discarded", "kim", NOON, "a test receipt")
    with pytest.raises(NotOpen):
        await discard(engine, EVERYTHING, event(b"{1}").id, "again", "lee", NOON)


async def test_work_on_an_entry_that_fails_leaves_it_as_it_was(engine: AsyncEngine) -> None:
    """Marks and failure share a transaction."""
    await keep(engine, event(b"{1}"))

    async def fail_after_the_mark() -> None:
        async with claimed(engine, EVERYTHING, event(b"{1}").id) as claim:
            await claim.mark_resubmitted(event(b"{1}").id, "kim", NOON)
            raise RuntimeError("no log")

    with pytest.raises(RuntimeError, match="no log"):
        await fail_after_the_mark()
    entry = await entry_of(engine, event(b"{1}"))
    assert (entry.status, entry.attempts, entry.resubmitted_event_id) == ("open", 0, None)


async def test_an_open_entry_ends_90_days_after_it_was_noted_to_the_moment(engine: AsyncEngine) -> None:
    """A microsecond before, nothing ends; a decided entry never does; being seen again does not prolong."""
    await keep(engine, event(b"{1}"), event(b"{2}"))
    await keep(engine, event(b"{1}"), event(b"{3}"), at=NOON + timedelta(days=1))
    await discard(engine, EVERYTHING, event(b"{2}").id, "test", "kim", NOON)
    end = NOON + timedelta(days=90)

    assert await expire(engine, end - timedelta(microseconds=1)) == Counter()
    assert await expire(engine, end) == Counter({"till/A/1": 1})
    assert await expire(engine, end) == Counter()

    assert set(await listed(engine)) == {b"{2}", b"{3}"}


async def test_what_expires_within_14_days_is_counted_by_its_origin(engine: AsyncEngine) -> None:
    """Events count under the first two parts of their source, lines under their whole source, decided entries not at all."""
    await keep(engine, event(b"{1}"), event(b"{2}", source="till/A/2"), event(b"{3}", source="erp"))
    await discard(engine, EVERYTHING, event(b"{3}", source="erp").id, "test", "kim", NOON)
    await PostgresQuarantine(engine, now=lambda: NOON + timedelta(days=1)).add([line(1, "load/a/b")])
    warned = NOON + timedelta(days=76)

    assert await count_expiring(engine, warned - timedelta(microseconds=1)) == Counter()
    assert await count_expiring(engine, warned) == Counter({"till/A": 2})
    assert await count_expiring(engine, warned + timedelta(days=1)) == Counter({"till/A": 2, "load/a/b": 1})


async def test_open_entries_are_counted_by_origin_and_code(engine: AsyncEngine) -> None:
    """The largest groups come first, and there are at most as many as asked for."""
    await keep(engine, event(b"{1}"), event(b"{2}", source="till/A/2"), event(b"{3}", source="erp", code="unknown_store"))

    counts = [OpenCount("till/A", "missing", 2), OpenCount("erp", "unknown_store", 1)]
    assert await count_open(engine) == counts
    assert await count_open(engine, most=1) == counts[:1]
