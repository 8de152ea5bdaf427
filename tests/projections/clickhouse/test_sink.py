"""The ClickHouse protocol on the real stack: killed anywhere, displaced, refused, repeated, and still the same numbers."""

import signal
import subprocess
import sys
from datetime import timedelta

import msgspec
import psycopg
import pytest

from contracts.codec import encode
from contracts.envelope import Event
from contracts.events.registry import SALE_COMPLETED
from contracts.fields import Model
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from projections.errors import LimitPassed
from projections.options import Safeguards
from projections.positions import Displaced
from projections.sinks.clickhouse_probe import StoreDoesNotReplace
from tests.projections.clickhouse.driving import clickhouse, consumed, drive, publish, publish_records, sums, whole_log
from tests.projections.clickhouse.oracle import expected_sums
from tests.projections.clickhouse.sales_events import DAY, at, corrected, line, returned, sale, voided
from tests.waiting import patience

pytestmark = pytest.mark.stack


def shop_day() -> list[Event[Model]]:
    """Return a few stores' day with everything in it, some of it sent twice."""
    events: list[Event[Model]] = []
    for number in range(40):
        store, moment = f"S{number % 4}", at(9 + number % 3, number)
        events.append(sale(f"R{number}", moment, line(1, 100 + number), line(2, 50, "3", discount=7), store=store))
        if number % 5 == 0:
            events.append(returned(f"T{number}", moment, line(1, 40), store=store))
        if number % 7 == 0:
            events.append(voided(f"V{number}", moment, line(1, 30), store=store))
        if number % 6 == 0:
            wrong = next(event for event in reversed(events) if event.type == SALE_COMPLETED)
            right = sale("right", moment, line(1, 999), store=store) if number % 4 == 0 else None
            events.append(corrected(f"C{number}", wrong, right))
    return events + events[::3]


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("before_insert", marks=pytest.mark.long),
        "inserted",
        "recomputed",
        pytest.param("effects_written", marks=pytest.mark.long),
        "positions_advanced",
    ],
)
def test_a_projection_killed_at_any_point_ends_with_the_same_numbers(place: Addresses, point: str) -> None:
    """Kill -9 in the second batch; whoever goes on, with batches cut otherwise, repeats it and changes nothing."""
    events = shop_day()
    publish(place, events)
    addresses = (place.kafka_bootstrap, place.postgres_dsn, place.clickhouse_url, place.log_id, place.topic_prefix)
    command = [sys.executable, "-m", "tests.projections.clickhouse.crashing", *addresses, "sales", "5", point, "2"]
    killed = subprocess.run(command, timeout=patience(60), check=False)
    assert killed.returncode == -signal.SIGKILL

    drive(place, records_per_batch=7)

    with clickhouse(place) as client:
        assert sums(client) == expected_sums(whole_log(place))
    distinct = len({(event.store_id, event.id) for event in events})
    assert consumed(place) == [(distinct, len(events) - distinct, 0, 0, 0, len(events))]


def test_a_displaced_owner_stops_before_it_writes_sums(place: Addresses) -> None:
    """It was frozen while another took over; the number it takes afterwards would beat those of its successor."""
    publish(place, shop_day())

    class Successor:
        """Takes all partitions as soon as the first batch is done."""

        def reach(self, name: str) -> None:
            if name == "positions_advanced":
                with psycopg.connect(place.postgres_dsn) as connection:
                    connection.execute("UPDATE delivery.positions SET epoch = epoch + 1")

    with pytest.raises(Displaced):
        drive(place, records_per_batch=5, crash_points=Successor())
    with clickhouse(place) as client:
        versions = client.query("SELECT max(version) FROM sales_by_hour_g1").first_item
    with psycopg.connect(place.postgres_dsn) as connection:
        [(ledger_id,)] = connection.execute("SELECT max(id) FROM delivery.ledger").fetchall()
    assert versions == {"max(version)": ledger_id}


def test_an_hour_whose_last_sale_is_corrected_away_becomes_a_row_of_zeros(place: Addresses) -> None:
    """Summing what is left finds nothing to write, and the old sum would stand for ever."""
    only, other = sale("R1", at(9)), sale("R2", at(11))
    publish(place, [only, other])
    drive(place)
    publish(place, [corrected("C1", only)])
    drive(place)

    with clickhouse(place) as client:
        rows = client.query("SELECT net, transactions, units, counted_lines FROM sales_by_hour_g1 FINAL ORDER BY hour_start").result_rows
        assert [tuple(row) for row in rows] == [(0, 0, 0, 0), (1000, 1, 1, 1)]
        assert sums(client) == expected_sums(whole_log(place))


@pytest.mark.parametrize("first_position_wins", [True, False])
def test_the_first_content_of_an_id_stays_and_the_guard_is_what_keeps_it(place: Addresses, first_position_wins: bool) -> None:
    """The same id comes again with another price, another day and one more line; with the guard off the damage is seen."""
    first = sale("R1", at(9), line(1, 500))
    publish(place, [first])
    drive(place)
    publish(place, [sale("R1", at(9), line(1, 900), line(2, 100)), sale("R1", at(9, day=DAY + timedelta(days=1)), line(1, 700))])
    drive(place, safeguards=Safeguards(first_position_wins=first_position_wins))

    with clickhouse(place) as client:
        assert (sums(client) == expected_sums(whole_log(place))) is first_position_wins
    [(applied, repeats, *_)] = consumed(place)
    assert (applied, repeats) == ((1, 2) if first_position_wins else (3, 0))


IDENTITY = "ORDER BY (store_id, business_date, event_id, line)"
MONTHS = "PARTITION BY toYYYYMM(business_date)"
UNFIT_TABLES = {
    f"MergeTree {MONTHS} {IDENTITY}": "is a MergeTree: a row that comes twice would count twice",
    "Null": "is a Null",
    f"ReplacingMergeTree(version) {MONTHS} ORDER BY (store_id, business_date, event_id)": "rows replace each other by",
    f"ReplacingMergeTree(version) PARTITION BY toYYYYMM(recorded_at) {IDENTITY}": "rows replace only within toYYYYMM",
    f"ReplacingMergeTree {MONTHS} {IDENTITY}": "the later insert stays",
    f"ReplacingMergeTree(version, is_gone) {MONTHS} {IDENTITY}": "is not there afterwards",
}


def test_a_table_that_does_not_replace_is_refused(place: Addresses) -> None:
    """On such a table every repeat would count twice, or rows would be lost; the reason is said."""
    publish(place, [sale("R1", at(9))])
    with clickhouse(place) as client:
        client.command("CREATE TABLE model AS sales_lines_g1")
        client.command("ALTER TABLE model ADD COLUMN is_gone UInt8 DEFAULT 1")
        for engine, words in UNFIT_TABLES.items():
            client.command("DROP TABLE sales_lines_g1 SYNC")
            client.command(f"CREATE TABLE sales_lines_g1 AS model ENGINE = {engine}")

            with pytest.raises(StoreDoesNotReplace, match=words):
                drive(place)
            assert [name for name in client.query("SHOW TABLES").result_columns[0] if name.startswith("probe_")] == []


def test_a_batch_over_more_than_a_hundred_months_is_written(place: Addresses) -> None:
    """The engine refuses one insert into more than 100 partitions; history of any age may come in one batch."""
    days = [DAY - timedelta(days=31 * months) for months in range(130)]
    publish(place, [sale(f"R{number}", at(9, day=day)) for number, day in enumerate(days)])
    drive(place)

    with clickhouse(place) as client:
        assert len(sums(client)) == len(days)
        assert sums(client) == expected_sums(whole_log(place))


def test_only_the_record_that_the_store_refuses_is_a_dead_letter(place: Addresses) -> None:
    """A definite rejection is taken apart to the event; its neighbours count, and it leaves no line behind."""
    with clickhouse(place) as client:
        client.command("ALTER TABLE sales_lines_g1 ADD CONSTRAINT no_bad CHECK sku != 'SKU-9'")
    events = [sale(f"R{number}", at(9, number), line(1, 100), line(2 if number != 7 else 9, 10)) for number in range(20)]
    publish(place, events)
    drive(place)

    with clickhouse(place) as client:
        good = [record for record in whole_log(place) if b"SKU-9" not in (record.value or b"")]
        assert sums(client) == expected_sums(good)
    assert consumed(place) == [(19, 0, 0, 0, 1, 20)]
    with psycopg.connect(place.postgres_dsn) as connection:
        letters = connection.execute("SELECT event_id, reason FROM delivery.dead_letters WHERE projection = 'sales'").fetchall()
    assert letters == [(events[7].id, "refused_by_store")]


@pytest.mark.parametrize("records_per_batch", [1, 2])
def test_a_copy_of_a_refused_event_is_judged_by_itself(place: Addresses, records_per_batch: int) -> None:
    """The same identity comes again with content that the store takes: it counts, whether or not both are in one batch."""
    with clickhouse(place) as client:
        client.command("ALTER TABLE sales_lines_g1 ADD CONSTRAINT no_bad CHECK sku != 'SKU-9'")
    publish(place, [sale("R1", at(9), line(9, 700)), sale("R1", at(9), line(1, 500))])
    drive(place, records_per_batch=records_per_batch)

    with clickhouse(place) as client:
        assert [row["gross"] for row in sums(client).values()] == [500]
    assert consumed(place) == [(1, 0, 0, 0, 1, 2)]


def test_nothing_is_written_beyond_the_letter_that_is_one_too_many(place: Addresses) -> None:
    """A consumer that halts there may stand for hours: no fact is to be seen that its position has not reached."""
    poison = msgspec.structs.replace(encode(sale("R1", at(9)), STORE_FACTS), value=b"{")
    publish_records(place, [poison] * 110)
    publish(place, [sale("R2", at(9))])

    with pytest.raises(LimitPassed, match="before 101"):
        drive(place)

    with clickhouse(place) as client:
        assert client.query("SELECT count() FROM sales_lines_g1").first_item == {"count()": 0}
    with psycopg.connect(place.postgres_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM delivery.dead_letters").fetchall() == [(0,)]


def test_a_refused_correction_leaves_its_target_counting(place: Addresses) -> None:
    """Half a correction, the link without the content, would take the wrong event away and give nothing for it."""
    with clickhouse(place) as client:
        client.command("ALTER TABLE sales_lines_g1 ADD CONSTRAINT no_bad CHECK sku != 'SKU-9'")
    wrong = sale("R1", at(9), line(1, 500))
    publish(place, [wrong])
    drive(place)
    publish(place, [corrected("C1", wrong, sale("right", at(9), line(9, 700)))])
    drive(place)

    with clickhouse(place) as client:
        assert [row["gross"] for row in sums(client).values()] == [500]
        assert client.query("SELECT count() FROM sale_corrections_g1 FINAL").first_item == {"count()": 0}


def test_the_archive_holds_every_record_once_with_its_bytes(place: Addresses) -> None:
    """Repeats are records of their own; going over them again adds none."""
    publish(place, shop_day())
    drive(place, "event_log", records_per_batch=30)
    with psycopg.connect(place.postgres_dsn) as connection:
        connection.execute("TRUNCATE delivery.positions, delivery.ledger")
    drive(place, "event_log", records_per_batch=13)

    columns = "partition, offset, hex(value), header_names, arrayMap(x -> hex(x), header_values)"
    statement = f"SELECT {columns} FROM event_log_g1 FINAL ORDER BY partition, offset"
    with clickhouse(place) as client:
        archived = [tuple(row) for row in client.query(statement).result_rows]
    on_log = sorted(whole_log(place), key=lambda r: (r.partition, r.offset))
    assert archived == [
        (r.partition, r.offset, (r.value or b"").hex().upper(), [n for n, _ in r.headers], [v.hex().upper() for _, v in r.headers])
        for r in on_log
    ]
