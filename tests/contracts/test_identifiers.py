"""How identities are made."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identifiers import alert_id, derived_id, transition_id, uuid7

parts = st.lists(st.text(st.characters(min_codepoint=0x20, exclude_categories=("Cs",)), max_size=12), min_size=1, max_size=5)


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_a_minted_id_is_version_7_and_tells_its_time(milliseconds: int, randomness: bytes) -> None:
    """Version and variant bits are those of RFC 9562, the first 48 bits are the time."""
    made = uuid7(milliseconds, randomness)

    assert (7, "specified in RFC 4122", milliseconds) == (made.version, made.variant, made.int >> 80)


@given(st.integers(0, 2**48 - 2), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_minted_ids_sort_by_time(milliseconds: int, first: bytes, second: bytes) -> None:
    """A later millisecond always sorts later."""
    assert uuid7(milliseconds, first) < uuid7(milliseconds + 1, second)


def test_too_little_randomness_is_refused() -> None:
    """Nine bytes would make collisions likelier."""
    with pytest.raises(ValueError, match="ten random bytes"):
        uuid7(0, b"123456789")


@given(parts, parts)
def test_derived_ids_are_equal_for_equal_keys_only(first: list[str], second: list[str]) -> None:
    """How a key is cut into parts matters: ('a', 'bc') is not ('ab', 'c')."""
    assert (first == second) == (derived_id(*first) == derived_id(*second))


def test_derived_ids_never_change() -> None:
    """A changed namespace or separator would make every retry a new event, so one value is written down."""
    assert UUID("0d99fb9e-dcaf-57ec-920b-5d75cc7f2807") == derived_id("receipt", "GANGNAM-01", "20261120-1-0457")


def test_an_alert_and_its_transitions_have_separate_identities() -> None:
    """The alert, its first and its second transition are three ids."""
    alert = alert_id("no_show", "GANGNAM-01", "E-1077", "2026-11-20T09:00")

    assert len({alert, transition_id(alert, 1), transition_id(alert, 2)}) == 3
