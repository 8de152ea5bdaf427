"""What people decide about dead letters holds: for every copy of the record, for every generation, and through a rebuild from the log."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import typer
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.records import RawRecord
from infra.addresses import Addresses
from infra.clock import utc_now
from infra.postgres.engine import async_engine
from projections.accounting import check_accounting
from projections.batching import RETRY_HEADER, Part
from projections.dead_letters import LetterKey, check_limit
from projections.letter_decisions import Correction, Decision, NotDecidable, discard_letter, held_letter
from projections.letter_reader import EVERYTHING, LetterScope, LetterSearch, UnknownLetter, count_letters, list_letters, show_letter
from projections.options import DeadLetterLimit
from tests.projections.folding import fold_steps, rows_of, tables_of
from tests.projections.story import at, log_of, poison, record, sold
from tillstream.letters import find_letter

pytestmark = pytest.mark.stack

TOPIC = "store-facts-v1"
NARROW = "ALTER TABLE read_g1.stock_movements ADD CONSTRAINT narrow CHECK (quantity > -5)"
WIDE = "ALTER TABLE read_g1.stock_movements DROP CONSTRAINT narrow"
EMPTY = """TRUNCATE delivery.positions, delivery.ledger, delivery.dead_letters,
    read_g1.stock_on_hand, read_g1.stock_on_hand_events, read_g1.stock_movements"""


@pytest.fixture
async def engine(place: Addresses) -> AsyncIterator[AsyncEngine]:
    """Connect to the place."""
    found = async_engine(place.postgres_dsn, "tests")
    yield found
    await found.dispose()


async def _do(engine: AsyncEngine, *statements: str) -> None:
    async with engine.begin() as conn:
        for statement in statements:
            await conn.exec_driver_sql(statement)


def _key(offset: int) -> LetterKey:
    return LetterKey("stock_on_hand", TOPIC, 0, offset)


def _decision(reason: str = "a test receipt") -> Decision:
    return Decision(reason, "kim", utc_now())


def _retry_of(offset: int, original: RawRecord, place: int) -> RawRecord:
    headers = [*original.headers, (RETRY_HEADER, f"{TOPIC}/0/{place}".encode())]
    return replace(original, offset=offset, headers=headers)


@pytest.mark.parametrize("is_decided", [True, False])
async def test_a_discard_survives_a_rebuild_from_the_log(place: Addresses, engine: AsyncEngine, is_decided: bool) -> None:
    """Everything but the schema `write` is lost and the reason is gone: what was discarded stays out; undecided, it comes in."""
    log = log_of([sold("a", at(0)), sold("b", at(1), 6), sold("c", at(2))])
    await _do(engine, NARROW)
    await fold_steps(place, "stock_on_hand", [log])
    if is_decided:
        await discard_letter(engine, _key(1), _decision())
    before = tables_of(place, "stock_on_hand")

    await _do(engine, WIDE, EMPTY)
    await fold_steps(place, "stock_on_hand", [log])

    if is_decided:
        assert tables_of(place, "stock_on_hand") == before
        letter = await show_letter(engine, _key(1))
        assert (letter.disposition, letter.reason, letter.decided_by, letter.decision_reason) == (
            "discarded",
            "refused_by_store",
            "kim",
            "a test receipt",
        )
    else:
        assert tables_of(place, "stock_on_hand") != before
    assert [(row.ok, row.tally.dead) for row in await check_accounting(engine)] == [(True, int(is_decided))]


async def test_a_discard_is_of_the_record_and_of_all_its_failed_retries(place: Addresses, engine: AsyncEngine) -> None:
    """Discarding one attempt settles those before and after, and a rebuild applies none; another event at another place is untouched."""
    first = record(sold("b", at(1), 6), 0)
    log = [first, _retry_of(1, first, 0), _retry_of(2, first, 1), record(sold("c", at(2), 7), 3)]
    await _do(engine, NARROW)
    await fold_steps(place, "stock_on_hand", [log])
    await discard_letter(engine, _key(1), _decision())

    found = {letter.key.record_offset: letter.disposition for letter in await list_letters(engine, LetterSearch(disposition=None))}
    assert found == {0: "discarded", 1: "discarded", 2: "discarded", 3: "open"}
    await _do(engine, WIDE, EMPTY)
    underway = _retry_of(4, first, 2)  # it was sent before the decision and is read after it
    await fold_steps(place, "stock_on_hand", [[*log, underway]])
    assert rows_of(place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": -7}]
    assert [(row.ok, row.tally.dead) for row in await check_accounting(engine)] == [(True, 4)]
    assert (await show_letter(engine, _key(4))).disposition == "discarded", "nobody has to decide about it again"


async def test_a_retry_that_is_applied_at_last_settles_every_attempt(place: Addresses, engine: AsyncEngine) -> None:
    """What failed twice and then was applied is nobody's to decide about any more; another letter is untouched."""
    first = record(sold("b", at(1), 6), 0)
    await _do(engine, NARROW)
    await fold_steps(place, "stock_on_hand", [[first, _retry_of(1, first, 0), record(sold("c", at(2), 7), 2)]])
    await _do(engine, WIDE)
    await fold_steps(place, "stock_on_hand", [[_retry_of(3, first, 1)]])

    found = {
        each.key.record_offset: (each.disposition, each.attempts) for each in await list_letters(engine, LetterSearch(disposition=None))
    }
    assert found == {0: ("applied", 1), 1: ("applied", 2), 2: ("open", 1)}


async def test_a_decision_about_another_log_means_nothing_here(place: Addresses, engine: AsyncEngine) -> None:
    """The same place with another time of the broker is another record: after the log was lost and loaded anew it counts."""
    log = log_of([sold("a", at(0), 6)])
    await _do(engine, NARROW)
    await fold_steps(place, "stock_on_hand", [log])
    await discard_letter(engine, _key(0), _decision())

    await _do(engine, WIDE, EMPTY)
    later = int((utc_now() + timedelta(hours=1)).timestamp() * 1000)
    retried = replace(_retry_of(1, record(sold("b", at(1)), 1), 0), timestamp=later)
    await fold_steps(place, "stock_on_hand", [[*(replace(each, timestamp=each.timestamp + 1) for each in log), retried]])

    assert rows_of(place, "SELECT on_hand FROM read_g1.stock_on_hand") == [{"on_hand": -7}]


async def test_what_another_generation_has_applied_cannot_be_discarded(place: Addresses, engine: AsyncEngine) -> None:
    """The generations would never agree again; and one that is about to read the record is waited for."""
    log = [poison(0, sold("a", at(0)))]
    await fold_steps(place, "stock_on_hand", [log])
    columns = "projection, generation, topic, part, epoch, next_offset"
    other = f"INSERT INTO delivery.positions ({columns}) VALUES ('stock_on_hand', 2, '{TOPIC}', 0, 1, {{}})"
    for position, words in ((1, "has applied it"), (0, "is about to read it")):
        await _do(engine, "DELETE FROM delivery.positions WHERE generation = 2", other.format(position))
        with pytest.raises(NotDecidable, match=words):
            await discard_letter(engine, _key(0), _decision())

    await _do(engine, "DELETE FROM delivery.positions WHERE generation = 2")
    await discard_letter(engine, _key(0), _decision())
    with pytest.raises(NotDecidable, match="discarded by kim"):
        await discard_letter(engine, _key(0), _decision())


async def test_nothing_is_discarded_without_a_reason(place: Addresses, engine: AsyncEngine) -> None:
    """A decision that nobody can understand later is none."""
    await fold_steps(place, "stock_on_hand", [[poison(0, sold("a", at(0)))]])

    with pytest.raises(NotDecidable):
        await discard_letter(engine, _key(0), _decision(" "))


async def test_deciding_lets_a_halted_partition_go_on(place: Addresses, engine: AsyncEngine) -> None:
    """Letters that somebody decided about do not count for the limit, in this generation and in a rebuilt one."""
    log = [poison(number, sold(str(number), at(number))) for number in range(3)]
    limit, part = DeadLetterLimit(open=0, among=10), Part(TOPIC, 0)
    await fold_steps(place, "stock_on_hand", [log])
    for number in range(3):
        await discard_letter(engine, _key(number), _decision())
    await _do(engine, EMPTY)
    await fold_steps(place, "stock_on_hand", [log])

    async with engine.connect() as conn:
        await check_limit(conn, "stock_on_hand", 1, part, 3, limit)
    assert [(each.disposition, each.letters) for each in await count_letters(engine)] == [("discarded", 3)]


async def test_a_correction_settles_everyones_letters_and_survives_a_rebuild(place: Addresses, engine: AsyncEngine) -> None:
    """The correcting event is on the log and counts by itself; the letters about the record say which event it is."""
    bad = poison(0, sold("a", at(0)))
    for name in ("stock_on_hand", "till_periods"):
        await fold_steps(place, name, [[bad]])
    async with held_letter(engine, _key(0)) as held:
        document = held.document(Correction("the till was broken", None))
        assert document == held.document(Correction("the till was broken", None))
        await held.mark_corrected(sold("c", at(1)).id, _decision("the till was broken"))

    async def dispositions() -> set[tuple[str, str, str | None]]:
        return {(row.key.projection, row.disposition, row.decided_by) for row in await list_letters(engine, LetterSearch(disposition=None))}

    settled = {("stock_on_hand", "corrected", "kim"), ("till_periods", "corrected", "kim")}
    assert await dispositions() == settled
    await _do(engine, EMPTY)
    for name in ("stock_on_hand", "till_periods"):
        await fold_steps(place, name, [[bad]])
    assert await dispositions() == settled


async def test_a_record_that_does_not_say_which_event_it_is_cannot_be_corrected(place: Addresses, engine: AsyncEngine) -> None:
    """There is nothing that a correction could name."""
    await fold_steps(place, "stock_on_hand", [[replace(poison(0, sold("a", at(0))), headers=[("ce_type", b"sale.completed.v1")])]])

    async with held_letter(engine, _key(0)) as held:
        with pytest.raises(NotDecidable, match="do not say which event"):
            held.document(Correction("why", None))


async def test_letters_are_found_by_what_they_are_like(place: Addresses, engine: AsyncEngine) -> None:
    """Each filter alone takes some and leaves the others; one chain and its stores are all that a person sees."""
    log = [poison(0, sold("a", at(0))), record(sold("b", at(1), 6), 1), poison(2, sold("c", at(2), store="S2"))]
    await _do(engine, NARROW)
    await fold_steps(place, "stock_on_hand", [log])
    (first, *_) = await list_letters(engine, LetterSearch())

    async def offsets(search: LetterSearch, scope: LetterScope = EVERYTHING) -> list[int]:
        return [letter.key.record_offset for letter in await list_letters(engine, search, scope)]

    hour = timedelta(hours=1)
    assert await offsets(LetterSearch(reason="refused_by_store")) == [1]
    assert await offsets(LetterSearch(store_id="S2")) == [2]
    assert await offsets(LetterSearch(event_type="sale.completed.v1")) == [0, 1, 2]
    assert await offsets(LetterSearch(event_type="clock.in.v1")) == []
    assert await offsets(LetterSearch(event_id=first.event_id)) == [0]
    assert await offsets(LetterSearch(since=utc_now() + hour)) == await offsets(LetterSearch(until=utc_now() - hour)) == []
    assert await offsets(LetterSearch(since=utc_now() - hour, until=utc_now() + hour)) == [0, 1, 2]
    assert await offsets(LetterSearch(generation=2)) == []
    assert await offsets(LetterSearch(), LetterScope(first.tenant_id)) == [0, 1, 2]
    assert await offsets(LetterSearch(), LetterScope(first.tenant_id, ["S2"])) == [2]
    assert await offsets(LetterSearch(), LetterScope("rival")) == []
    with pytest.raises(UnknownLetter):
        await show_letter(engine, first.key, LetterScope("rival"))


async def test_a_letter_of_another_generation_is_named_where_one_is_missed(
    place: Addresses, engine: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who leaves out the generation is told under which name the letter is."""
    await fold_steps(place, "stock_on_hand", [[poison(0, sold("a", at(0)))]])
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE delivery.dead_letters SET generation = 3"))
    (letter,) = await list_letters(engine, LetterSearch())
    with pytest.raises(typer.Exit):
        await find_letter(place, dataclasses.replace(letter.key, generation=1))
    assert capsys.readouterr().err.endswith(f"there is stock_on_hand@3/{letter.key.source}\n")
