"""Store scope: what a query is limited to, and what is refused before it is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import ApiError
from api.security.caller import Caller
from api.security.scope import StoreScope

TENANTS = {"A": "demo", "B": "demo", "X": "rival"}


def scope(role, *stores, tenants=None):
    """Return the scope of a caller of the chain 'demo'."""
    return StoreScope(Caller("c", role, "demo", stores), TENANTS if tenants is None else tenants)


def test_hq_gets_a_list_of_the_stores_of_its_chain_and_never_no_limit():
    """No limit would show the stores of another chain that nobody has read yet."""
    assert scope("hq", "*").store_ids() == ("A", "B")
    assert scope("hq", "A").store_ids() == ("A",)
    assert scope("hq", "*", tenants={}).store_ids() == ()


def test_a_store_that_is_not_known_is_covered_by_nobody_but_its_events_say_whose_they_are():
    """Deny by default; an event carries its chain, so an alert of a new store is heard at once."""
    assert not scope("hq", "*").covers("NEW")
    assert not scope("manager", "NEW").covers("NEW")
    assert scope("hq", "*").covers_event("demo", "NEW")
    assert not scope("hq", "*").covers_event("rival", "NEW")
    assert not scope("manager", "A").covers_event("demo", "NEW")


def test_a_manager_is_limited_to_the_stores_of_the_token():
    """With or without asking for one of them."""
    assert scope("manager", "A").store_ids() == ("A",)
    assert scope("manager", "B", "A").store_ids(("A",)) == ("A",)


@pytest.mark.parametrize(
    ("role", "stores", "asked"), [("manager", ("A",), ("B",)), ("manager", ("A",), ("A", "B")), ("hq", ("*",), ("X",))]
)
def test_a_store_outside_is_refused_not_left_out(role, stores, asked):
    """Silence would look like a store without sales."""
    with pytest.raises(ApiError) as caught:
        scope(role, *stores).store_ids(asked)
    assert (caught.value.code, caught.value.kind.status) == ("store_out_of_scope", 403)


def test_a_token_that_names_a_store_of_another_chain_reads_nothing_of_it():
    """The chain of the token limits its stores."""
    assert scope("manager", "A", "X").store_ids() == ("A",)
    assert scope("manager", "X").store_ids() == ()


@given(st.sets(st.sampled_from(["A", "B", "C", "X"]), min_size=1), st.lists(st.sampled_from(["A", "B", "C", "X"])))
def test_whatever_is_asked_the_answer_is_covered(stores, asked):
    """No combination yields a store that the scope does not cover."""
    held = scope("manager", *stores)
    try:
        answer = held.store_ids(asked)
    except ApiError:
        assert not all(held.covers(store) for store in asked)
    else:
        assert all(held.covers(store) and store in stores for store in answer)
