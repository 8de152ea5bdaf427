"""What a process remembers of a log it has applied from its first record: never too little. Without any server."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from projections.batching import Batch, Part, PartBatch
from projections.sinks.seen_ids import FromTheFirst, SeenIds

PART, OTHER = Part("store-facts-v1", 0), Part("store-facts-v1", 1)
ids = st.one_of(
    st.uuids(), st.integers(0, 2**16).map(lambda number: UUID(int=number)), st.integers(0, 2**16).map(lambda n: UUID(int=n << 64))
)


@given(added=st.lists(ids, max_size=200), asked=st.lists(ids, max_size=50))
def test_an_id_that_was_seen_is_never_taken_for_a_new_one(added: list[UUID], asked: list[UUID]) -> None:
    """A repeat that passed for new would count twice with another business date."""
    seen = SeenIds()
    seen.add([each.bytes for each in added[: len(added) // 2]])
    seen.add([each.bytes for each in added[len(added) // 2 :]])

    assert all(seen.may_hold([each.bytes for each in added]))
    told = seen.may_hold([each.bytes for each in asked])
    assert [held or each not in added for each, held in zip(asked, told, strict=True)] == [True] * len(asked)


def test_hardly_an_id_that_is_new_is_taken_for_one_that_was_seen() -> None:
    """Or everything would be looked up, and nothing gained."""
    seen = SeenIds()
    seen.add([uuid4().bytes for _ in range(20_000)])
    seen.add([UUID(int=number).bytes for number in range(20_000)])

    assert sum(seen.may_hold([uuid4().bytes for _ in range(5_000)])) < 5
    assert sum(seen.may_hold([UUID(int=number).bytes for number in range(20_000, 25_000)])) < 5


def _batch(*parts: tuple[Part, int, int, int]) -> Batch:
    made = tuple(PartBatch(part, epoch, first, until, datetime(2026, 3, 2, tzinfo=UTC), ()) for part, epoch, first, until in parts)
    return Batch("sales", 1, made)


def test_what_another_owner_may_have_applied_is_not_covered() -> None:
    """Only what follows without a gap from the first record, under one ownership, was seen here."""
    mine = FromTheFirst()
    assert not mine.covers(_batch((PART, 1, 5, 9)))
    assert mine.covers(_batch((PART, 1, 0, 9)))
    mine.applied(_batch((PART, 1, 0, 9)))

    assert mine.covers(_batch((PART, 1, 9, 12)))
    assert mine.covers(_batch((PART, 1, 9, 12), (OTHER, 3, 0, 4)))
    assert not mine.covers(_batch((PART, 1, 9, 12), (OTHER, 3, 4, 6)))
    assert not mine.covers(_batch((PART, 2, 12, 15)))
    assert not mine.covers(_batch((PART, 1, 12, 15)))
