"""Loading onto a real log: once, twice, killed in the middle, changed in between, with ticks in event time."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from contracts.codec import decode, event_hash, header
from contracts.events.control import Tick
from contracts.events.registry import FACT_TYPES, POLICY_SET, SKU_DEFINED, STORE_DEFINED, TICK
from contracts.topics import REFERENCE_DATA
from infra.addresses import Addresses
from infra.kafka.publisher import Publisher
from infra.postgres.engine import async_engine
from producers.load_summary import LoadProgress, LoadSummary
from producers.loader import KnownEvents, LoadOptions, load
from producers.quarantine import PostgresQuarantine, Quarantine
from tests.producers.log_reading import CollectedQuarantine, LogIndex, contents, read_log
from tests.producers.twin import retail, translated, write_twin
from tests.waiting import patience

pytestmark = pytest.mark.stack


async def loaded(
    place: Addresses,
    file: Path,
    known: KnownEvents | None = None,
    quarantine: Quarantine | None = None,
    ticks: bool = False,
    tick_hours: int = 24,
) -> LoadSummary:
    """Load a file with the shipped mapping."""
    async with Publisher(place.kafka_bootstrap, "test-load", place.topic_prefix) as publisher:
        options = LoadOptions(file, retail(), ticks, timedelta(hours=tick_hours), batch_events=16)
        return await load(options, publisher, known or LogIndex({}), quarantine or CollectedQuarantine(), lambda _: None)


def expected_contents(file: Path) -> dict[object, set[int]]:
    """Return the ids and hashes of a file's facts."""
    _, events = translated(file, retail())
    return {found.event.id: {event_hash(found.event)} for found in events}


async def test_a_load_puts_every_fact_on_the_log_once(place: Addresses, tmp_path: Path) -> None:
    """The log has exactly the events of the file, each with its content, marked as history."""
    file = write_twin(tmp_path / "twin.csv", receipts=60)

    summary = await loaded(place, file)

    log = await read_log(place)
    facts = [record for records in log.values() for record in records if header(record.headers, "ce_type") in FACT_TYPES]
    assert contents(log, set(FACT_TYPES)) == expected_contents(file)
    assert len(facts) == summary.sent == sum(summary.events.values())
    assert {header(record.headers, "ce_history") for record in facts} == {"true"}
    assert summary.total_lines == len(file.read_text("utf-8").splitlines()) - 1
    assert summary.refused == summary.lines["quarantined"] == 3


async def test_versions_stand_where_they_are_looked_for(place: Addresses, tmp_path: Path) -> None:
    """Stores in the reference data and before their own facts; chain policies in every partition; SKUs only in the reference data."""
    await loaded(place, write_twin(tmp_path / "twin.csv"))

    log, reference = await read_log(place), await read_log(place, REFERENCE_DATA)
    kinds = Counter(header(record.headers, "ce_type") for record in reference[0])
    assert kinds[STORE_DEFINED] == len(_stores_of(tmp_path / "twin.csv"))
    assert kinds[POLICY_SET] == 1
    assert kinds[SKU_DEFINED] > 20
    for records in log.values():
        types = [header(record.headers, "ce_type") for record in records]
        defined_at = {header(r.headers, "ce_storeid"): r.offset for r in records if header(r.headers, "ce_type") == STORE_DEFINED}
        assert types.count(POLICY_SET) == 1
        assert SKU_DEFINED not in types
        for record in records:
            if header(record.headers, "ce_type") in FACT_TYPES:
                assert defined_at[header(record.headers, "ce_storeid")] < record.offset


def _stores_of(file: Path) -> set[str]:
    return {line.rsplit(",", 1)[1] for line in file.read_text("utf-8").splitlines()[1:]}


async def test_loading_twice_changes_nothing(place: Addresses, tmp_path: Path) -> None:
    """The second load sends no fact, and what it does send again has ids and contents that the log has."""
    file = write_twin(tmp_path / "twin.csv", receipts=30)
    first = await loaded(place, file, ticks=True)
    before, reference = await read_log(place), await read_log(place, REFERENCE_DATA)

    second = await loaded(place, file, LogIndex(before), ticks=True)

    after = await read_log(place)
    assert contents(after) == contents(before)
    assert contents(await read_log(place, REFERENCE_DATA)) == contents(reference)
    assert (second.sent, second.already_loaded, second.differs) == (0, first.sent, [])
    assert (second.lines, second.events, second.totals) == (first.lines, first.events, first.totals)
    facts = [sum(header(r.headers, "ce_type") in FACT_TYPES for rows in log.values() for r in rows) for log in (before, after)]
    assert facts[0] == facts[1]


async def test_a_load_that_knows_nothing_repeats_without_contradicting(place: Addresses, tmp_path: Path) -> None:
    """Even with an empty index every id keeps one content: repeats are legal, conflicts are not."""
    file = write_twin(tmp_path / "twin.csv")
    await loaded(place, file, ticks=True)
    before = contents(await read_log(place))

    await loaded(place, file, ticks=True)

    assert contents(await read_log(place)) == before
    assert {len(hashes) for hashes in before.values()} == {1}


async def test_a_changed_file_names_what_differs_and_sends_only_what_is_new(place: Addresses, tmp_path: Path) -> None:
    """The receipt with another quantity is named with its lines and stays as it was; the new receipt is sent."""
    file = write_twin(tmp_path / "twin.csv")
    await loaded(place, file)
    before = await read_log(place)
    text = file.read_text("utf-8").replace("100004,21730,T-LIGHT HOLDER,5,", "100004,21730,T-LIGHT HOLDER,7,")
    file.write_text(text + f"999999,22720,CAKE TINS,1,2011-12-09 12:00:00,4.95,,France{chr(13)}{chr(10)}", "utf-8", newline="")

    summary = await loaded(place, file, LogIndex(before))

    (differing,) = summary.differs
    assert (differing.subject, differing.store_id, differing.first_line, differing.last_line) == ("100004", "online-retail.france", 7, 7)
    assert summary.sent == 1
    after = contents(await read_log(place))
    new = {key: value for key, value in after.items() if key not in contents(before)}
    assert len(new) == 1
    assert {len(hashes) for hashes in after.values()} == {1}


@pytest.mark.parametrize(("point", "visit"), [("versions_sent", "1"), ("batch_sent", "12")])
async def test_a_load_killed_in_the_middle_goes_on_when_run_again(place: Addresses, tmp_path: Path, point: str, visit: str) -> None:
    """After kill -9 at a named point, a second run leaves exactly the facts of the file and no contradiction."""
    file = write_twin(tmp_path / "twin.csv", receipts=600)
    command = [sys.executable, "-m", "tests.producers.load_once", place.kafka_bootstrap, place.topic_prefix, str(file), point, visit]
    killed = await asyncio.to_thread(subprocess.run, command, timeout=patience(60), check=False)
    assert killed.returncode == -signal.SIGKILL
    killed_with = contents(await read_log(place), set(FACT_TYPES))

    summary = await loaded(place, file, LogIndex(await read_log(place)), ticks=True)

    expected = expected_contents(file)
    assert len(killed_with) < len(expected), "the kill came after the work: the test shows nothing"
    assert (len(killed_with) > 0) == (point == "batch_sent")
    assert contents(await read_log(place), set(FACT_TYPES)) == expected
    assert summary.already_loaded == len(killed_with)
    assert summary.sent == len(expected) - len(killed_with)


async def test_ticks_stand_before_the_first_fact_behind_them(place: Addresses, tmp_path: Path) -> None:
    """In every partition the clock at a fact is the last full hour before it, and at the end a day and more has passed."""
    file = write_twin(tmp_path / "twin.csv", receipts=40)

    summary = await loaded(place, file, ticks=True, tick_hours=1)

    ticks = 0
    for partition, records in (await read_log(place)).items():
        clock: datetime | None = None
        for event in map(decode, records):
            if isinstance(event.data, Tick):
                assert (event.data.partition, event.data.time) == (partition, "simulated")
                assert clock is None or event.data.at - clock == timedelta(hours=1)
                clock, ticks = event.data.at, ticks + 1
            elif event.type in FACT_TYPES:
                assert clock is not None
                assert clock <= event.envelope.occurred_at < clock + timedelta(hours=1)
        assert clock is not None
        assert clock >= datetime.fromisoformat("2011-11-02T01:00:00+00:00")
    assert ticks == summary.ticks


async def test_without_simulated_time_no_tick_is_sent(place: Addresses, tmp_path: Path) -> None:
    """A live stack's clock is not turned back by history."""
    summary = await loaded(place, write_twin(tmp_path / "twin.csv"))

    log = await read_log(place)
    assert summary.ticks == 0
    assert all(header(record.headers, "ce_type") != TICK for records in log.values() for record in records)


async def test_refused_lines_are_kept_once_with_line_and_reason(place: Addresses, tmp_path: Path) -> None:
    """The quarantine table has each refused line with its exact bytes, and loading again adds none."""
    file = write_twin(tmp_path / "twin.csv")
    file.write_bytes(file.read_bytes() + b"999998,22720,B\xffAD,1,2011-12-09 12:00:00,4.95,,France\r\n999997,22720\r\n")
    engine = async_engine(place.postgres_dsn, "test-load")
    try:
        for _ in range(2):
            summary = await loaded(place, file, quarantine=PostgresQuarantine(engine))
    finally:
        await engine.dispose()

    with psycopg.connect(place.postgres_dsn) as connection:
        rows = connection.execute("SELECT line_number, code, pointer, raw, status FROM write.quarantine ORDER BY line_number").fetchall()
    assert [row[1] for row in rows] == [*["bad_debt_adjustment"] * 3, "unreadable_text", "wrong_columns"]
    assert rows[0][0] == 28
    assert rows[3][2:] == ("/Description", b"999998,22720,B\xffAD,1,2011-12-09 12:00:00,4.95,,France", "open")
    assert summary.refused == 5


async def test_progress_counts_up_to_all_lines(place: Addresses, tmp_path: Path) -> None:
    """Whoever watches sees every phase and ends at the whole."""
    news: list[LoadProgress] = []
    file = write_twin(tmp_path / "twin.csv", receipts=50)
    async with Publisher(place.kafka_bootstrap, "test-load", place.topic_prefix) as publisher:
        options = LoadOptions(file, retail(), batch_events=10)
        summary = await load(options, publisher, LogIndex({}), CollectedQuarantine(), news.append)

    assert [news[0].phase, news[1].phase, news[-1].phase] == ["counting", "loading", "done"]
    assert [row.lines for row in news] == sorted(row.lines for row in news)
    assert (news[-1].lines, news[-1].events_sent) == (summary.total_lines, summary.sent)
