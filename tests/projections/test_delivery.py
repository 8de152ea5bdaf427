"""The delivery protocol in Postgres: one owner, one account for each record, dead letters beside applied neighbours."""

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.records import RawRecord
from infra.addresses import Addresses
from infra.postgres.engine import async_engine
from projections.accounting import check_accounting
from projections.batching import Part, shortened
from projections.dead_letters import LetterKey, check_limit
from projections.errors import AnotherLog, LimitPassed, MappingChanged, TooManyDeadLetters
from projections.freshness import read_freshness
from projections.generations import register
from projections.letter_reader import LetterSearch, UnknownLetter, list_letters, show_letter
from projections.options import DeadLetterLimit, Safeguards
from projections.positions import Displaced
from tests.projections.folding import Owner, fold_steps, rows_of, tables_of
from tests.projections.story import adjusted, at, counted, log_of, poison, record, sold

pytestmark = pytest.mark.stack

PART = Part("store-facts-v1", 0)
UNSAFE = Safeguards(epoch=False, expected_position=False)


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


async def _two_owners(engine: AsyncEngine, place: Addresses, safeguards: Safeguards) -> tuple[Owner, Owner]:
    owners = [Owner(engine, place, "stock_on_hand", safeguards) for _ in range(2)]
    for owner in owners:
        await owner.take([PART])
    return owners[0], owners[1]


async def test_an_earlier_owner_changes_nothing(place: Addresses, engine: AsyncEngine) -> None:
    """Its epoch is too low: no row, no account, no position of its batch stays, although its expected position is right."""
    earlier, later = await _two_owners(engine, place, Safeguards())
    log = log_of([sold("a", at(0)), sold("b", at(1))])

    with pytest.raises(Displaced):
        await earlier.apply(log[:1])

    assert rows_of(place, "SELECT * FROM read_g1.stock_movements") == []
    assert rows_of(place, "SELECT * FROM delivery.ledger") == []
    await later.apply(log)
    assert all(row.ok for row in await check_accounting(engine))


async def test_an_unexpected_position_changes_nothing(place: Addresses, engine: AsyncEngine) -> None:
    """The position alone stops a batch that was applied already, by whoever has the right epoch."""
    _, owner = await _two_owners(engine, place, Safeguards())
    log = log_of([sold("a", at(0)), sold("b", at(1))])
    batch = owner.batch(log)
    await owner.sink.apply(batch)

    with pytest.raises(Displaced):
        await owner.sink.apply(batch)

    assert len(rows_of(place, "SELECT * FROM delivery.ledger")) == 1


async def test_without_epoch_and_position_an_earlier_owner_does_damage(place: Addresses, engine: AsyncEngine) -> None:
    """Negative control: both safeguards off, the late batch is written, moves the position back, and accounting says so."""
    earlier, later = await _two_owners(engine, place, UNSAFE)
    log = log_of([sold("a", at(0)), sold("b", at(1)), sold("c", at(2))])
    late = earlier.batch(log[:1])
    await later.apply(log)

    await earlier.sink.apply(late)

    assert [row.problem for row in await check_accounting(engine)] == ["more than one account of the offsets 0 to 0"]
    assert (await read_freshness(engine, "stock_on_hand")).positions == {PART: 1}


@pytest.mark.parametrize("safeguards", [Safeguards(epoch=False), Safeguards(expected_position=False)])
async def test_one_safeguard_alone_still_holds(place: Addresses, engine: AsyncEngine, safeguards: Safeguards) -> None:
    """Either of the two stops an earlier owner whose batch the later one has applied."""
    earlier, later = await _two_owners(engine, place, safeguards)
    log = log_of([sold("a", at(0)), sold("b", at(1))])
    late = earlier.batch(log[:1])
    await later.apply(log)

    with pytest.raises(Displaced):
        await earlier.sink.apply(late)

    assert all(row.ok for row in await check_accounting(engine))


async def test_redelivery_with_other_boundaries_changes_nothing(place: Addresses, engine: AsyncEngine) -> None:
    """The same events at later offsets, cut otherwise, are repeats: rows and totals stay as they are."""
    story = [sold("a", at(0), 2), counted("c", at(1), 9), adjusted("d", at(2), -1)]
    log = log_of([*story, *story, *story])
    owner = Owner(engine, place, "stock_on_hand", Safeguards())
    await owner.take([PART])
    await owner.apply(log[:3])
    before = tables_of(place, "stock_on_hand")

    for step in (log[3:4], log[4:8], log[8:]):
        await owner.apply(step)

    assert tables_of(place, "stock_on_hand") == before
    assert sum(row.tally.repeats for row in await check_accounting(engine)) == 6


async def test_poison_is_set_aside_and_its_neighbours_are_applied(place: Addresses, engine: AsyncEngine) -> None:
    """Records that cannot be read, or say nothing of their type, become rows with their bytes; everything around them counts."""
    unreadable = poison(1, sold("b", at(1)), b"\x00\xff{")
    untyped = replace(record(sold("d", at(3)), 3), headers=[("other", b"1")], value=None, key=None)
    log: list[RawRecord] = [record(sold("a", at(0)), 0), unreadable, record(sold("c", at(2)), 2), untyped]
    await fold_steps(place, "stock_on_hand", [log])

    letters = await list_letters(engine, LetterSearch("stock_on_hand"))
    assert [(each.key.record_offset, each.value, each.record_key) for each in letters] == [(1, b"\x00\xff{", b"S1"), (3, None, None)]
    assert letters[0].headers == list(unreadable.headers)
    assert (letters[0].disposition, letters[0].attempts, letters[0].store_id) == ("open", 1, "S1")
    assert [row["on_hand"] for row in rows_of(place, "SELECT * FROM read_g1.stock_on_hand")] == [-2]
    accounts = await check_accounting(engine)
    assert [(row.ok, row.tally.applied, row.tally.dead) for row in accounts] == [(True, 2, 2)]


async def test_what_postgres_refuses_is_found_by_halving(place: Addresses, engine: AsyncEngine) -> None:
    """One record that the store cannot keep, although the contract takes it, is set aside; the others of its batch are applied."""
    log = log_of([sold(str(number), at(number)) for number in range(9)])
    async with engine.begin() as conn:
        await conn.exec_driver_sql("ALTER TABLE read_g1.stock_movements ADD CONSTRAINT narrow CHECK (quantity > -5)")
    log[4] = record(sold("4", at(4), 6), 4)
    await fold_steps(place, "stock_on_hand", [log])

    assert [(each.key.record_offset, each.reason) for each in await list_letters(engine, LetterSearch())] == [(4, "refused_by_store")]
    assert rows_of(place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": -8}]
    assert [(row.ok, row.tally.applied, row.tally.dead) for row in await check_accounting(engine)] == [(True, 8, 1)]


async def test_the_same_identity_with_other_content_is_a_dead_letter(place: Addresses, engine: AsyncEngine) -> None:
    """The index keeps the first content and sets the contradiction aside, within a batch and across batches; a true repeat is none."""
    first, other = sold("a", at(0), 1), sold("a", at(0), 2)
    log = log_of([first, other, first, other])
    await fold_steps(place, "event_index", [log[:3], log[3:]])

    assert [(each.key.record_offset, each.reason) for each in await list_letters(engine, LetterSearch())] == [
        (1, "conflicting_duplicate"),
        (3, "conflicting_duplicate"),
    ]
    assert [row["position"] for row in rows_of(place, "SELECT position FROM read_g1.event_index")] == [0]


async def test_the_first_position_wins(place: Addresses) -> None:
    """A later content under the same identity changes no stock."""
    await fold_steps(place, "stock_on_hand", [log_of([sold("a", at(0), 1), sold("a", at(0), 7)])])

    assert [row["on_hand"] for row in rows_of(place, "SELECT on_hand FROM read_g1.stock_on_hand")] == [-1]


async def test_without_first_position_wins_other_content_replaces_it(place: Addresses) -> None:
    """Negative control: the safeguard off, the later content is what remains."""
    log = log_of([sold("a", at(0), 1), sold("a", at(0), 7)])
    await fold_steps(place, "stock_on_hand", [log], Safeguards(first_position_wins=False))

    assert [row["quantity"] for row in rows_of(place, "SELECT quantity FROM read_g1.stock_movements")] == [-7]
    assert [row["on_hand"] for row in rows_of(place, "SELECT on_hand FROM read_g1.stock_on_hand")] != [-1]


_TABLES = ("delivery.ledger", "delivery.positions", "delivery.dead_letters")
DAMAGES = [
    (
        "UPDATE delivery.ledger SET applied = applied + 1 WHERE first = 2",
        "outcomes of the offsets 2 to 3 do not add up to its records",
    ),
    ("UPDATE delivery.positions SET next_offset = 9", "accounts reach offset 6, the position is 9"),
    ("DELETE FROM delivery.ledger WHERE first = 2", "no account of the offsets 2 to 3"),
    (
        """INSERT INTO delivery.ledger SELECT id + 1000, projection, generation, topic, part, first + 1, next, applied - 1,
           repeats, filtered, control, dead FROM delivery.ledger WHERE first = 2""",
        "more than one account of the offsets 3 to 3",
    ),
    ("DELETE FROM delivery.dead_letters", "1 dead letters are accounted for, 0 are kept"),
]


async def test_accounting_names_what_does_not_tile(place: Addresses, engine: AsyncEngine) -> None:
    """Whole accounts have no problem; each damage is found, with its offsets; so is a log that ends before a position."""
    log: list[RawRecord] = log_of([sold(str(number), at(number)) for number in range(6)])
    log[5] = poison(5, sold("5", at(5)))
    await fold_steps(place, "stock_on_hand", [log[:2], log[2:4], log[4:]])

    async def problems(end: int = 6) -> list[str | None]:
        return [row.problem for row in await check_accounting(engine, {PART: end})]

    async with engine.begin() as conn:
        for table in _TABLES:
            await conn.exec_driver_sql(f"CREATE TABLE {table}_whole AS SELECT * FROM {table}")
    assert await problems() == [None]
    assert await problems(8) == [None]
    assert await problems(4) == ["the log ends at offset 4, the position is 6"]
    async with engine.connect() as conn:
        for damage, words in DAMAGES:
            await conn.exec_driver_sql(damage)
            await conn.commit()
            assert await problems() == [words]
            await conn.exec_driver_sql(f"TRUNCATE {', '.join(_TABLES)}")
            for table in _TABLES:
                await conn.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {table}_whole")
            await conn.commit()


async def test_too_many_dead_letters_halt_a_partition(place: Addresses, engine: AsyncEngine) -> None:
    """More open letters than allowed among the last records are an error of ours, not of the data; older ones do not count."""
    log = [poison(number, sold(str(number), at(number))) for number in range(4)]
    await fold_steps(place, "stock_on_hand", [log])
    async with engine.connect() as conn:
        await check_limit(conn, "stock_on_hand", 1, PART, 4, DeadLetterLimit(open=4, among=10))
        await check_limit(conn, "stock_on_hand", 1, PART, 4, DeadLetterLimit(open=2, among=2))
        with pytest.raises(TooManyDeadLetters):
            await check_limit(conn, "stock_on_hand", 1, PART, 4, DeadLetterLimit(open=3, among=10))


async def test_a_batch_ends_with_the_letter_that_is_one_too_many(place: Addresses, engine: AsyncEngine) -> None:
    """However many letters a batch would make, a partition never has more than one above its limit; older and decided ones do not count."""
    log = [poison(number, sold(str(number), at(number))) for number in range(110)]
    owner = Owner(engine, place, "stock_on_hand", Safeguards())
    await owner.take([PART])
    with pytest.raises(LimitPassed) as refused:
        await owner.apply(log)

    assert refused.value.ends == {PART: 101}
    assert rows_of(place, "SELECT * FROM delivery.dead_letters") == rows_of(place, "SELECT * FROM delivery.ledger") == []
    shorter = shortened(owner.batch(log), refused.value.ends)
    assert [(row.next, row.tally.dead) for row in await owner.sink.apply(shorter)] == [(101, 101)]
    async with engine.begin() as conn:
        with pytest.raises(TooManyDeadLetters):
            await check_limit(conn, "stock_on_hand", 1, PART, 101, DeadLetterLimit())
        await conn.exec_driver_sql("UPDATE delivery.dead_letters SET disposition = 'discarded' WHERE record_offset < 9")
    await owner.take([PART])
    with pytest.raises(LimitPassed) as refused:
        await owner.apply([*log[101:], *(poison(number, sold("x", at(0))) for number in range(110, 120))])
    assert refused.value.ends == {PART: 110}


async def test_letters_are_listed_page_by_page_and_shown_by_key(place: Addresses, engine: AsyncEngine) -> None:
    """A page ends where the next one begins, and an unknown key is said to be unknown."""
    log = [poison(number, sold(str(number), at(number))) for number in range(3)]
    await fold_steps(place, "stock_on_hand", [log])
    page = await list_letters(engine, LetterSearch(), limit=2)
    rest = await list_letters(engine, LetterSearch(), after=page[-1].key)

    assert [each.key.record_offset for each in (*page, *rest)] == [0, 1, 2]
    assert await show_letter(engine, rest[0].key) == rest[0]
    with pytest.raises(UnknownLetter):
        await show_letter(engine, LetterKey("stock_on_hand", "store-facts-v1", 0, 99))


async def test_a_generation_refuses_another_log_and_another_mapping(engine: AsyncEngine) -> None:
    """Positions mean nothing in another log, and rows of two mappings do not mix."""
    async with engine.begin() as conn:
        await register(conn, "stock_on_hand", 1, 1, "log-a")
        await register(conn, "stock_on_hand", 1, 1, "log-a")
        with pytest.raises(AnotherLog):
            await register(conn, "stock_on_hand", 1, 1, "log-b")
        with pytest.raises(MappingChanged):
            await register(conn, "stock_on_hand", 1, 2, "log-a")
