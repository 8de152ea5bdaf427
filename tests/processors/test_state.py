"""How states are held: readable across restarts, refused when they are not ours to read, found when due."""

import pytest
from faust.serializers.codecs import dumps

from processors.key_index import KeyIndex, PartitionKeys
from processors.policies import POLICY
from processors.rules.attendance import ATTENDANCE, Attendance, Punch
from processors.rules.rule import Entry, Kind
from processors.seen import IDS_PER_PAGE, SEEN, Seen, first_position, look_up, with_id
from processors.shell.table import written_key
from processors.state import LARGE_BYTES, UnreadableState, address_of, applied_of, encode, key_of, read_held, read_state
from processors.versions import Version, Versions
from processors.workspace import _CACHED_STATES, StateCache
from tests.processors.events import at, identity


def test_a_state_comes_back_as_it_was_held() -> None:
    """With its applied offset and its due time readable without its kind."""
    state = Attendance((Punch(5, b"x" * 16, True),))
    value = encode(ATTENDANCE, state, 42, 7, "chain")
    held = read_held(value)
    assert (held.applied, held.due_at, held.tenant_id) == (42, 7, "chain")
    assert read_state(ATTENDANCE, held) == state


def test_a_pruned_state_is_empty_but_keeps_its_offset() -> None:
    """So that recovery can still compare it."""
    value = encode(ATTENDANCE, None, 42, None, "")
    assert applied_of(value) == 42
    assert read_state(ATTENDANCE, read_held(value)) is None


@pytest.mark.parametrize("value", [None, b"", b"\xc1", b"\x95\x09\x01\x00\xc0\xa0\xc4\x00"])
def test_what_is_no_state_is_refused(value: bytes | None) -> None:
    """Deletes, damage and frames of another time."""
    with pytest.raises(UnreadableState):
        read_held(value)


def test_a_newer_version_of_a_state_is_refused() -> None:
    """An older program must not fold what it does not understand."""
    newer = Kind(ATTENDANCE.name, Attendance, ATTENDANCE.version + 1, 1)
    with pytest.raises(UnreadableState):
        read_state(ATTENDANCE, read_held(encode(newer, Attendance(), 1, None, "")))


def test_a_key_says_where_what_and_which() -> None:
    """And something that is no key is refused."""
    address = address_of(key_of("S1", ATTENDANCE, "ana"))
    assert (address.place, address.kind, address.name) == ("S1", "attendance", "ana")
    with pytest.raises(UnreadableState):
        address_of("nonsense")


def test_a_page_of_ids_stays_small_and_the_next_one_goes_on() -> None:
    """However many events an hour has, no value grows large, and the first position is found on any page."""
    held: dict[str, Seen] = {}
    for number in range(IDS_PER_PAGE + 10):
        event = identity(str(number))
        first, page, seen = look_up(event, at(0), held.get)
        assert first is None
        held[page] = with_id(seen, event, number)
    assert len(held) == 2
    assert max(len(encode(SEEN, seen, 1, None, "")) for seen in held.values()) < LARGE_BYTES
    assert [look_up(identity(str(n)), at(30), held.get)[0] for n in (0, 999, 1009)] == [0, 999, 1009]


def test_an_id_is_found_only_where_a_row_begins() -> None:
    """Bytes that happen to lie across two rows are no id."""
    first, second = identity("a"), identity("b")
    seen = with_id(with_id(Seen(), first, 3), second, 4)
    across = type(first)(bytes=seen.rows[8:24])
    assert first_position(seen, across) is None
    assert first_position(seen, second) == 4


def test_due_keys_come_once_and_come_back_when_nothing_was_written() -> None:
    """Taken in order of time; given back they are due again; a changed due time replaces the old one."""
    keys = PartitionKeys()
    keys.note("S1|no_show|b", 5)
    keys.note("S1|no_show|a", 5)
    keys.note("S1|no_show|c", 9)
    keys.note("S1|no_show|c", 4)
    taken = keys.take(5)
    assert taken == [(4, "S1|no_show|c"), (5, "S1|no_show|a"), (5, "S1|no_show|b")]
    assert keys.take(5) == []
    keys.give_back(taken)
    assert keys.take(5) == taken


def test_the_index_is_rebuilt_from_what_is_held() -> None:
    """After recovery it knows the keys of each partition, and nothing else."""
    index = KeyIndex()
    index.of(3).note("S9|no_show|gone", 1)
    held = {"S1|no_show|a": encode(POLICY, Versions((Version(1, 1, "{}"),)), 1, 8, "")}
    index.rebuild(held, {"S1|no_show|a": 1})
    assert index.of(1).take(10) == [(8, "S1|no_show|a")]
    assert index.of(3).take(10) == []


def test_decoded_states_that_nobody_asks_for_are_forgotten_and_the_others_stay() -> None:
    """The cache stays small however many states a partition has; what every record reads is never decoded again."""
    cache, entry = StateCache(), Entry(ATTENDANCE, None, 0, None)
    values = {f"k{number}": b"%d" % number for number in range(3 * _CACHED_STATES)}
    for key, value in values.items():
        cache.put(key, value, entry)
        cache.get("k0", values["k0"])
        cache.age()
    assert cache.get("k0", values["k0"]) is entry
    assert sum(cache.get(key, value) is not None for key, value in values.items()) <= 2 * _CACHED_STATES + 1


def test_a_decoded_state_holds_for_the_very_bytes_that_it_was_read_from() -> None:
    """Others under the same key are decoded anew."""
    cache, entry, value = StateCache(), Entry(ATTENDANCE, None, 0, None), encode(ATTENDANCE, None, 1, None, "")
    cache.put("k", value, entry)
    assert (cache.get("k", value), cache.get("k", encode(ATTENDANCE, None, 2, None, ""))) == (entry, None)


@pytest.mark.parametrize("key", ["S1|stock|MILK", "S1|stock|우유 1L", 'S1|assortment|"cold" \\ dry\n\x7f'])
def test_a_key_is_written_as_faust_writes_it(key: str) -> None:
    """A changelog of an older version is gone on with, and compacted, under the same keys."""
    assert written_key(key) == dumps("json", key)
