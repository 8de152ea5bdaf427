"""Several read models are rebuilt from one reading of the log."""

import pytest

from contracts.codec import decode
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.kafka.consumer import Partition, end_offsets
from infra.postgres.engine import async_engine
from projections import shared_records
from projections.replay.run import ReplayRequest, ReplayResult, alone
from projections.replay.shared_log import LogReader, SharedLog
from projections.replay.together import replay_together
from projections.shared_records import SharedRecord, event_of
from tests.projections.replay.living import await_end, generations, live, publish, told
from tests.projections.story import at, record, sold

PART = Partition(STORE_FACTS, 0)


def _shared(name: str) -> SharedRecord:
    plain = record(sold(name, at(1)), 0)
    return SharedRecord(plain.topic, 0, 0, plain.timestamp, plain.key, plain.value, plain.headers)


def test_a_shared_record_is_decoded_once_and_to_the_same() -> None:
    """Eleven models in one process would decode each sale eleven times."""
    shared, plain = _shared("a"), record(sold("a", at(1)), 0)

    assert event_of(shared) == event_of(plain) == decode(plain)
    assert event_of(shared) is event_of(shared)


def test_the_last_events_of_a_live_log_are_kept_for_the_other_models() -> None:
    """The same bytes at the same place are the same event; another log has others there, and old ones are forgotten."""
    plain = record(sold("a", at(1)), 7)
    again = type(plain)(plain.topic, plain.partition, 7, plain.timestamp, plain.key, bytes(plain.value or b""), list(plain.headers))
    event = event_of(plain)

    assert event_of(again) is event == decode(plain)
    edited = (plain.value or b"").replace(b'"a"', b'"c"')
    assert event_of(type(plain)(plain.topic, plain.partition, 7, plain.timestamp, plain.key, edited, plain.headers)) != event
    other = record(sold("b", at(1)), 7)
    assert event_of(other) == decode(other) != event
    moved = type(other)(other.topic, other.partition, 7, other.timestamp, other.key, other.value, [("ce_x", b""), *other.headers])
    assert event_of(moved) is not event_of(other)
    for offset in range(8, 8 + 2_048):
        event_of(type(plain)(plain.topic, plain.partition, offset, plain.timestamp, plain.key, plain.value, plain.headers))
    assert len(shared_records._kept) == 2_048
    assert (plain.topic, plain.partition, 7) not in shared_records._kept


@pytest.mark.stack
async def test_read_models_are_replayed_beside_each_other(place: Addresses) -> None:
    """All are compared and switched; one that somebody else replays keeps none of the others from it."""
    await publish(place, told(0, 30))
    names = ("stock_on_hand", "event_index", "till_days")
    engine = async_engine(place.postgres_dsn, "tests")
    async with live(place, *names), alone(engine, "till_days"):
        for name in names:
            await await_end(place, name, 1)
        found = await replay_together(place, [ReplayRequest(name) for name in names], lambda *_: None)
    await engine.dispose()

    assert [each.done if isinstance(each, ReplayResult) else type(each).__name__ for each in found] == [
        "switched",
        "switched",
        "CannotReplay",
    ]
    assert all(each.comparison and each.comparison.is_equal for each in found if isinstance(each, ReplayResult))
    assert [number for number, each in (await generations(place, "event_index")).items() if each.serving] == [2]


async def _rest(reader: LogReader, places: dict[Partition, int], ends: dict[Partition, int]) -> list[int]:
    """Read on to the end, 7 records at most at once."""
    offsets: list[int] = []
    while left := {tp: place for tp, place in places.items() if place < ends[tp]}:
        for tp, records in (await reader.some(left, ends, 7 * len(left))).items():
            assert [each.offset for each in records] == list(range(places[tp], places[tp] + len(records)))
            places[tp] += len(records)
            offsets += [each.offset for each in records if tp == PART]
    return offsets


@pytest.mark.stack
async def test_each_reader_gets_every_record_once_wherever_the_others_are(place: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a window of a few records nobody is left behind, and who went out or comes back late has what it asks for."""
    monkeypatch.setattr("projections.replay.shared_log._RECORDS", 1)
    monkeypatch.setattr("projections.replay.shared_log._FEWEST", 10)
    await publish(place, told(0, 200))
    ends = await end_offsets(place.kafka_bootstrap, [STORE_FACTS], place.topic_prefix)
    log = SharedLog(place.kafka_bootstrap, place.topic_prefix, ends)
    first, second, gone = (log.join([STORE_FACTS]) for _ in range(3))
    async with log.reading():
        await gone.some(dict.fromkeys(log.ends, 0), ends, 5)
        log.leave(gone)
        ahead = {tp: end // 2 for tp, end in log.ends.items()}
        first.begins(ahead)
        offsets = await _rest(second, dict.fromkeys(log.ends, 0), ends)
        assert offsets == list(range(ends[PART]))
        assert await _rest(first, dict(ahead), ends) == list(range(ahead[PART], ends[PART]))
        assert await _rest(second, dict.fromkeys(log.ends, 0), ends) == offsets, "what has left the window is read again"
