"""Months of the archive move to files and are read again: only what is proven, and never what is not."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.clickhouse.client import writer
from infra.clock import utc_now
from infra.kafka.consumer import Partition
from projections.archive.cold import Cold, ColdFile, Retention, is_over
from projections.archive.files import FileUnproven, check_content, check_file, digest_of, records_in, write_file
from projections.archive.listing import Month
from projections.archive.months import Months, is_due, months_of, move, read_retention, set_retention
from projections.reconcile.compare import Difference, Digest
from projections.reconcile.run import ReconcileOptions, reconcile
from projections.replay.archive import ArchiveUnproven
from projections.replay.run import ReplayRequest, replay
from tests.api.running import config, served
from tests.command_line import environment, run
from tests.projections.applying import apply_log
from tests.projections.folding import rows_of
from tests.projections.replay.living import await_end, live, publish, told
from tests.projections.story import at, log_of, sold

HERE = Partition(STORE_FACTS, 0)


def _records(count: int, first: int = 0) -> list[RawRecord]:
    log = [*log_of([sold(str(number), at(number)) for number in range(count)])]
    odd = structs.replace(log[-1], value=None, key=b"\xff\x00", headers=[("ce_type", b"x"), ("empty", None), ("ce_type", b"y")])
    return [structs.replace(each, offset=each.offset + first) for each in [*log[:-1], odd]]


def _file(root: Path, records: list[RawRecord]) -> ColdFile:
    written = write_file(root / "f.parquet", [records[:3], records[3:]])
    return ColdFile(202611, *HERE, written.first_offset, written.last_offset, *written.digest, "f.parquet", written.sha256, written.bytes)


def test_a_file_gives_back_every_byte(tmp_path: Path) -> None:
    """Values that are null, keys that are no text, headers that repeat; any span of offsets."""
    records = _records(7, 40)
    file = _file(tmp_path, records)

    assert (file.first_offset, file.last_offset, file.digest) == (40, 46, digest_of(records))
    assert records_in(tmp_path, file, 0, 100) == records
    assert records_in(tmp_path, file, 42, 45) == records[2:5]
    check_content(tmp_path, file)
    assert [path.name for path in tmp_path.iterdir()] == ["f.parquet"]


def test_a_file_that_is_gone_changed_or_short_is_refused(tmp_path: Path) -> None:
    """One bit is enough; and a hole in the offsets is no month."""
    file = _file(tmp_path, _records(7))
    with pytest.raises(FileUnproven, match="not hold the records 0 to 7"):
        check_content(tmp_path, replace(file, last_offset=7))
    path = tmp_path / "f.parquet"
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileUnproven, match="bytes have changed"):
        check_file(tmp_path, file)
    path.unlink()
    with pytest.raises(FileUnproven, match="not there"):
        check_file(tmp_path, file)
    with pytest.raises(FileUnproven, match="offset 3 is missing"):
        write_file(path, [_records(3), _records(3, 4)])
    assert not path.exists()


def test_a_month_is_cold_by_the_decision_and_over_a_day_after_its_end() -> None:
    """Over the turn of a year; without a decision nothing is cold."""
    january = datetime(2027, 1, 1, 12, tzinfo=UTC)
    assert [Retention(2).is_cold(month, january) for month in (202610, 202611, 202612, 202701)] == [True, True, False, False]
    assert not Retention().is_cold(202001, january)
    assert not is_over(202612, january)
    assert is_over(202612, january + timedelta(days=1))
    assert not is_over(202701, january + timedelta(days=9))


def test_sums_of_files_count_below_the_end_only() -> None:
    """Files of one partition add up; what reaches past the end is not there yet."""
    one = ColdFile(202610, *HERE, 0, 9, 10, 5, "a", "", 1)
    cold = Cold((202610, 202611), (one, replace(one, month=202611, first_offset=10, last_offset=14, records=5, hash_sum=7)))
    assert cold.sums({HERE: 15}) == {HERE: Digest(15, 12)}
    assert cold.sums({HERE: 14}) == {HERE: Digest(10, 5)}
    assert (cold.covers(HERE, 14), cold.covers(HERE, 15), cold.covers(Partition(STORE_FACTS, 1), 3)) == (True, False, False)


def _spoil(root: Path) -> None:
    path = next(root.rglob("store-facts-v1-0.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def _later() -> datetime:
    return utc_now() + timedelta(days=40)


async def _move(months: Months, drop: bool, root: list[str]) -> bool:
    def chosen(month: Month) -> bool:
        return month.is_cold

    return await move(months, chosen, drop, lambda month, what, _: root.append(f"{month.month} {what}"))


async def _differences(place: Addresses) -> list[Difference]:
    """Compare the archive with the log; it is level, and for the read models that nobody keeps here nobody waits."""
    report = await reconcile(place, ReconcileOptions(wait_seconds=0))
    return [each for each in report.differences if each.model == "event_log"]


@pytest.mark.stack
async def test_a_month_moves_to_files_and_a_replay_reads_it_there(place: Addresses, tmp_path: Path) -> None:
    """Exported only when proven, dropped only when exported; then reconciled and replayed as before, and refused when a file changed."""
    await publish(place, told(0, 40))
    async with live(place, "stock_on_hand", "event_log"):
        await await_end(place, "stock_on_hand", 1)
        await await_end(place, "event_log", 1)
        said: list[str] = []
        async with months_of(place, tmp_path) as now:
            (month,) = await now.all()
            assert (month.is_cold, month.is_exported) == (False, False)
            await set_retention(place, 1, "tests")
            assert (await read_retention(place)).hot_months == 1
            assert await _move(now, drop=False, root=said), "that of now is never cold"
            assert said == []
        async with months_of(place, tmp_path, _later) as months:
            assert not await _move(months, drop=True, root=said)
            assert await _move(months, drop=False, root=said)
            _spoil(tmp_path)
            assert not await _move(months, drop=True, root=said)
            assert await _move(months, drop=False, root=said)
            (month,) = await months.all()
            assert (is_due(month, drop=False), is_due(month, drop=True)) == (False, True)
            rows_of(
                place,
                f"INSERT INTO write.archive_drops (log_id, month, generation) VALUES ('{place.log_id}', {month.month}, 1) RETURNING 1",
            )
            assert await _differences(place) == [], "as if killed right there"
            (month,) = await months.all()
            assert (month.is_dropped, is_due(month, drop=True)) == (True, True)
            assert await _move(months, drop=True, root=said)
            (month,) = await months.all()
            assert not is_due(month, drop=True)
        assert [line.split(" ", 1)[1].split(":")[0] for line in said] == ["stays", "exported", "stays", "exported", "dropped"]
        assert (month.is_dropped, month.records, sum(each.records for each in month.files) > 40) == (True, 0, True)
        assert await _differences(place) == []

        result = await replay(place, ReplayRequest("stock_on_hand", source="archive", archive_root=tmp_path))
        assert (result.generation, result.done) == (2, "switched")
        with pytest.raises(ArchiveUnproven, match="not there"):
            await replay(place, ReplayRequest("stock_on_hand", source="archive", archive_root=tmp_path / "elsewhere"))
        _spoil(tmp_path)
        with pytest.raises(ArchiveUnproven, match="bytes have changed"):
            await replay(place, ReplayRequest("stock_on_hand", source="archive", archive_root=tmp_path))


@pytest.mark.stack
async def test_a_month_that_is_not_proven_stays(place: Addresses, tmp_path: Path) -> None:
    """Changed bytes or lost records: nothing is exported, so nothing can be dropped."""
    await publish(place, told(0, 20))
    async with live(place, "event_log"):
        await await_end(place, "event_log", 1)
    await set_retention(place, 1, "tests")
    said: list[str] = []
    async with months_of(place, tmp_path, _later) as months:
        with writer(place.clickhouse_url) as client:
            await asyncio.to_thread(
                client.command, "ALTER TABLE event_log_g1 UPDATE value = 'x' WHERE offset = 2 SETTINGS mutations_sync = 2"
            )
        assert not await _move(months, drop=False, root=said)
        assert "not those that were summed up" in said[-1]
        with writer(place.clickhouse_url) as client:
            await asyncio.to_thread(client.command, "TRUNCATE TABLE event_log_g1")
        with pytest.raises(ArchiveUnproven, match="not what the log has"):
            await _move(months, drop=False, root=said)


def _months_ago(place: Addresses) -> int:
    """Let everything in the archive be recorded two months earlier, and return the month."""
    with writer(place.clickhouse_url) as client:
        (now,) = client.query("SELECT DISTINCT toYYYYMM(recorded_at) FROM event_log_g1").result_rows
        client.command("INSERT INTO event_log_g1 SELECT * REPLACE (subtractMonths(recorded_at, 2) AS recorded_at) FROM event_log_g1")
        client.command(f"ALTER TABLE event_log_g1 DROP PARTITION '{now[0]}'")
        (then,) = client.query("SELECT DISTINCT toYYYYMM(recorded_at) FROM event_log_g1").result_rows
    return int(then[0])


@pytest.mark.stack
def test_an_operator_moves_a_month_and_hq_sees_where_it_lies(place: Addresses, tmp_path: Path) -> None:
    """By the command line from the decision to the drop: what stays says why, with status 1; over HTTP the same months and files."""
    asyncio.run(publish(place, told(0, 20)))
    apply_log(place, "event_log")
    env = environment(
        TILLSTREAM_KAFKA_BOOTSTRAP=place.kafka_bootstrap,
        TILLSTREAM_POSTGRES_DSN=place.postgres_dsn,
        TILLSTREAM_CLICKHOUSE_URL=place.clickhouse_url,
        TILLSTREAM_TOPIC_PREFIX=place.topic_prefix,
        TILLSTREAM_DATA_DIR=str(tmp_path / "data"),
        TILLSTREAM_ARCHIVE_DIR=str(tmp_path / "archive"),
    )

    def archive(*words: str) -> tuple[int, str]:
        done = run("archive", *words, check=False, env=env)
        return done.returncode, done.stdout

    month = _months_ago(place)
    name = f"{month // 100}-{month % 100:02}"
    assert archive("retain")[0] == archive("export", "2026-13")[0] == 64
    assert archive("export") == archive("drop") == (0, "nothing to move\n")
    assert archive("retain", "--months", "1", "--by", "kim") == (0, "1 months stay\n")
    assert archive("drop", name) == (1, f"{name} stays: its files do not hold all of it: export it first\n")
    assert archive("export", "2020-01") == (1, "2020-01: the archive has nothing of that month\n")
    assert "may be exported" in archive("status")[1]
    status, said = archive("export")
    assert (status, said.split(":")[0]) == (0, f"{name} exported")
    assert "exported, may be dropped" in archive("status")[1]

    with served(config(place)) as api:
        hq = api.client()
        before = hq.get("/v1/archive/months").json()
        assert archive("drop") == (0, f"{name} dropped: its files are read instead\n")
        after, detail = hq.get("/v1/archive/months").json(), hq.get(f"/v1/archive/months/{name}").json()
        missing = hq.get("/v1/archive/months/2020-01")
        others = [api.client(role).get("/v1/archive/months").status_code for role in ("manager", "staff")]
    assert "in files only" in archive("status")[1]
    assert (before["hot_months"], before["decided_by"], [row["month"] for row in before["months"]]) == (1, "kim", [name])
    told_of = [(row["is_exported"], row["is_dropped"], row["records_in_clickhouse"] > 0) for row in before["months"] + after["months"]]
    assert told_of == [(True, False, True), (True, True, False)]
    in_files = {sum(row["records"] for row in detail["files"]), *(each["months"][0]["records_in_files"] for each in (before, after))}
    assert len(in_files) == 1
    assert {(tmp_path / "archive" / row["file"]).stat().st_size for row in detail["files"]} == {row["bytes"] for row in detail["files"]}
    assert ((missing.status_code, missing.json()["code"]), others) == ((404, "not_found"), [403, 403])
