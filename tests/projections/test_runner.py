"""A runner on a real log: it goes on from its positions, stops at what is missing, and dead letters can be tried again."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.records import OutboundRecord
from contracts.topics import DEAD_LETTERS, STORE_FACTS
from infra.clock import utc_now
from infra.kafka.names import qualified
from infra.kafka.publisher import NotDurable, Position, Publisher
from infra.postgres.engine import async_engine
from projections.accounting import AccountingRow, check_accounting
from projections.catalogue import PROJECTIONS
from projections.consumers import read_fares
from projections.dead_letters import Letter, LetterKey
from projections.freshness import read_freshness
from projections.letter_decisions import Decision, NotDecidable, discard_letter, retry_letter
from projections.letter_reader import LetterSearch, list_letters
from projections.read_models.event_index.reader import KnownEvent, known, known_hashes
from tests.projections.folding import rows_of
from tests.projections.running import Scene
from tests.projections.story import at, outbound, sold, store, tick
from tests.waiting import patience, until

pytestmark = pytest.mark.stack

Answer = TypeVar("Answer")


def _ask(scene: Scene, question: Callable[[AsyncEngine], Awaitable[Answer]]) -> Answer:
    """Ask a question of the database with the product's own readers."""

    async def work() -> Answer:
        engine = async_engine(scene.place.postgres_dsn, "tests")
        try:
            return await question(engine)
        finally:
            await engine.dispose()

    return asyncio.run(work())


def _accounts(scene: Scene) -> list[AccountingRow]:
    return _ask(scene, check_accounting)


def _letters(scene: Scene, projection: str | None = None) -> list[Letter]:
    return _ask(scene, lambda engine: list_letters(engine, LetterSearch(projection, disposition=None)))


def _retry(scene: Scene, key: LetterKey) -> None:
    async def retry(engine: AsyncEngine) -> None:
        async with Publisher(scene.place.kafka_bootstrap, "tests", scene.place.topic_prefix) as publisher:
            await retry_letter(engine, publisher, key)

    _ask(scene, retry)


def test_every_postgres_projection_runs_in_one_process_and_goes_on_after_a_gentle_stop(scene: Scene) -> None:
    """Positions, accounts and rows are whole after SIGTERM, and a second process reads on from there."""
    names = tuple(name for name, declared in PROJECTIONS.items() if declared.store == "postgres")
    scene.publish([outbound(store()), *(outbound(sold(str(number), at(number))) for number in range(20))])
    first = scene.start(*names)
    until(first.is_ready, 40, "the runners own their partitions")
    scene.await_position("stock_on_hand", 21)
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(patience(20)) == 0
    scene.publish([outbound(sold("later", at(30))), outbound(tick(at(60)))])
    scene.start(*names)
    for name in ("stock_on_hand", "event_index", "stores"):
        scene.await_position(name, 23)

    assert rows_of(scene.place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": -21}]
    assert all(row.ok for row in _accounts(scene))
    fresh = _ask(scene, lambda engine: read_freshness(engine, "stock_on_hand"))
    assert (fresh.generation, fresh.positions[STORE_FACTS, 0], fresh.as_of is not None) == (1, 23, True)
    assert first.says("batch_written")


def test_known_events_are_found_with_their_first_position(scene: Scene) -> None:
    """The edge and the loader see what is on the log, where, and nothing that is not."""
    told, untold = sold("a", at(0)), sold("b", at(0))
    scene.publish([outbound(told), outbound(told)])
    scene.start("event_index")
    scene.await_position("event_index", 2)

    hashes = _ask(scene, lambda engine: known_hashes(engine, "S1", [told.id, untold.id]))
    found = _ask(scene, lambda engine: known(engine, [("S1", str(told.id)), ("S2", str(told.id))]))
    assert set(hashes) == {told.id}
    assert dict(found) == {("S1", str(told.id)): KnownEvent(hashes[told.id], STORE_FACTS, 0, 0)}


def test_a_retried_dead_letter_is_applied_where_it_failed_and_a_repeat_elsewhere(scene: Scene) -> None:
    """Its row becomes `applied` when the fault was ours and is gone; who had applied the event sees a repeat."""
    scene.publish([outbound(sold("a", at(0))), outbound(sold("b", at(1), 6))])
    with psycopg.connect(scene.place.postgres_dsn) as connection:
        connection.execute("ALTER TABLE read_g1.stock_movements ADD CONSTRAINT narrow CHECK (quantity > -5)")
    scene.start("stock_on_hand", "event_index")
    scene.await_position("stock_on_hand", 2)
    scene.await_position("event_index", 2)
    key = LetterKey("stock_on_hand", STORE_FACTS, 0, 1)
    assert [(each.key, each.disposition) for each in _letters(scene)] == [(key, "open")]
    with psycopg.connect(scene.place.postgres_dsn) as connection:
        connection.execute("ALTER TABLE read_g1.stock_movements DROP CONSTRAINT narrow")

    _retry(scene, key)
    scene.await_position("stock_on_hand", 3)
    scene.await_position("event_index", 3)

    assert [(each.key, each.disposition) for each in _letters(scene)] == [(key, "applied")]
    assert rows_of(scene.place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": -7}]
    repeats = {row.projection: row.tally.repeats for row in _accounts(scene) if row.part == 0}
    assert repeats == {"stock_on_hand": 0, "event_index": 1}
    with pytest.raises(NotDecidable):
        _retry(scene, key)


class _Dying:
    """Publishes, and dies before anybody can note it."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def publish(self, records: Sequence[OutboundRecord], timeout_seconds: float) -> list[Position | NotDurable]:
        """Write the records, and end without an answer."""
        await self._publisher.publish_all(records, timeout_seconds)
        raise ConnectionAbortedError


@pytest.mark.long
def test_a_retry_that_dies_before_it_is_noted_does_no_harm(scene: Scene) -> None:
    """The letter is still open, the copy on the log settles it, and the event counts once however often it is sent."""
    scene.publish([outbound(sold("a", at(0))), outbound(sold("b", at(1), 6))])
    with psycopg.connect(scene.place.postgres_dsn) as connection:
        connection.execute("ALTER TABLE read_g1.stock_movements ADD CONSTRAINT narrow CHECK (quantity > -5)")
    scene.start("stock_on_hand")
    scene.await_position("stock_on_hand", 2)
    with psycopg.connect(scene.place.postgres_dsn) as connection:
        connection.execute("ALTER TABLE read_g1.stock_movements DROP CONSTRAINT narrow")
    key = LetterKey("stock_on_hand", STORE_FACTS, 0, 1)

    async def retry_and_die(engine: AsyncEngine) -> None:
        async with Publisher(scene.place.kafka_bootstrap, "tests", scene.place.topic_prefix) as publisher:
            await retry_letter(engine, _Dying(publisher), key)

    with pytest.raises(ConnectionAbortedError):
        _ask(scene, retry_and_die)
    scene.await_position("stock_on_hand", 3)
    with pytest.raises(NotDecidable, match="it is applied"):
        _retry(scene, key)
    scene.publish([outbound(sold("b", at(1), 6))])
    scene.await_position("stock_on_hand", 4)
    assert rows_of(scene.place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": -7}]
    assert [(row.problem, row.tally.applied, row.tally.repeats) for row in _accounts(scene) if row.part == 0] == [(None, 2, 1)]


def test_a_retry_that_fails_again_is_a_letter_of_its_own(scene: Scene) -> None:
    """The second attempt is counted, and the bytes travel unchanged."""
    whole = outbound(sold("a", at(0)))
    poison = OutboundRecord(whole.topic, whole.key, b"{nothing", whole.headers, whole.partition)
    scene.publish([poison])
    scene.start("stock_on_hand")
    scene.await_position("stock_on_hand", 1)

    _retry(scene, LetterKey("stock_on_hand", STORE_FACTS, 0, 0))
    scene.await_position("stock_on_hand", 2)

    first, second = _letters(scene, "stock_on_hand")
    assert (first.disposition, first.attempts, first.value) == ("retried", 1, b"{nothing")
    assert (second.disposition, second.attempts, second.value) == ("open", 2, b"{nothing")
    assert [pair for pair in second.headers if pair[0] != "ce_retryof"] == list(first.headers)
    assert ("ce_retryof", f"{STORE_FACTS}/0/0".encode()) in second.headers


def test_what_a_rule_worker_could_not_read_becomes_a_row(scene: Scene) -> None:
    """A record of the dead letter topic is kept under its source, once, with the worker's reason and without the worker's headers."""
    original = outbound(sold("a", at(0)))
    where = [("x-source-topic", STORE_FACTS.encode()), ("x-source-partition", b"2"), ("x-source-offset", b"17")]
    where += [("x-reason", b"unreadable"), ("x-detail", b"why")]
    letter = OutboundRecord(DEAD_LETTERS, original.key, b"bytes", [*original.headers, *where], 0)
    scene.publish([letter, letter, OutboundRecord(DEAD_LETTERS, original.key, b"bytes", [("x-reason", b"lost")], 0)])
    scene.start("dead_letters")
    until(lambda: scene.position("dead_letters", 0, DEAD_LETTERS) == 3, 40, "all three are taken")

    kept = _letters(scene, "processors")
    assert [each.key for each in kept] == [LetterKey("processors", STORE_FACTS, 2, 17)]
    assert (kept[0].reason, kept[0].detail, kept[0].value) == ("unreadable", "why", b"bytes")
    assert kept[0].headers == list(original.headers)
    assert [(each.key.record_offset, each.reason) for each in _letters(scene, "dead_letters")] == [(2, "no_source")]
    assert [(row.tally.applied, row.tally.repeats, row.tally.dead) for row in _accounts(scene)] == [(1, 1, 1)]


def test_too_many_letters_halt_one_consumer_until_people_have_decided(scene: Scene) -> None:
    """It stands still after the letter that is one too many, its neighbour goes on; when letters are settled, it goes on by itself."""
    whole = outbound(sold("a", at(0)))
    scene.publish([OutboundRecord(whole.topic, whole.key, b"{nothing", whole.headers, 0)] * 3)
    runner = scene.start("stock_on_hand", "event_index", waits_for_decisions=True, limit={"open": 1, "among": 10})
    until(lambda: runner.says("consumer_halted"), 40, "it has halted")
    scene.publish([outbound(sold("b", at(1)))])
    scene.await_position("event_index", 4)
    (fare,) = _ask(scene, lambda engine: read_fares(engine, ["stock_on_hand"])).values()
    assert (fare.state, fare.open_letters, scene.position("stock_on_hand")) == ("halted", 2, 2)
    assert "2 open dead letters among the last 10 records" in (fare.why_still(1) or "")

    decision = Decision("a broken till", "kim", utc_now())
    for offset, reached in enumerate((3, 4)):
        key = LetterKey("stock_on_hand", STORE_FACTS, 0, offset)
        _ask(scene, lambda engine, key=key: discard_letter(engine, key, decision))
        scene.await_position("stock_on_hand", reached)
    assert rows_of(scene.place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": -1}]


def test_a_record_that_the_log_lost_stops_the_runner(scene: Scene) -> None:
    """Positions before the beginning of the log end the process with its reason; nothing is passed over."""
    scene.publish([outbound(sold(str(number), at(number))) for number in range(6)])

    async def lose() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=scene.place.kafka_bootstrap)
        await admin.start()
        try:
            part = TopicPartition(qualified(scene.place.topic_prefix, STORE_FACTS), 0)
            await admin.delete_records({part: RecordsToDelete(before_offset=3)})
        finally:
            await admin.close()

    asyncio.run(lose())
    runner = scene.start("stock_on_hand")

    assert runner.process.wait(patience(40)) != 0
    assert runner.says("RecordMissing")
    assert scene.position("stock_on_hand") == 0
    assert rows_of(scene.place, "SELECT * FROM read_g1.stock_movements") == []


def test_a_runner_on_another_log_stops(scene: Scene) -> None:
    """A generation filled from another log is not gone on with in the middle of this one."""
    with psycopg.connect(scene.place.postgres_dsn) as connection:
        connection.execute("INSERT INTO delivery.log (log_id) VALUES ('another')")
        connection.execute("INSERT INTO delivery.generations VALUES ('stock_on_hand', 1, 1, 'another', true)")
    runner = scene.start("stock_on_hand")

    assert runner.process.wait(patience(40)) != 0
    assert runner.says("AnotherLog")
