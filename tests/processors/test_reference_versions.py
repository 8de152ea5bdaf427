"""Reference data as rules see it: what was in force at the time that they ask about, of their own store and chain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import CHAIN_WIDE, Event
from contracts.events.registry import PROMOTION_DEFINED, SALE_COMPLETED, SKU_DEFINED, STORE_DEFINED, SUPPLIER_DEFINED
from contracts.topics import DEAD_LETTERS
from processors import reference_versions
from processors.fold import Fold
from processors.reference_versions import PROMOTIONS
from processors.rules.rule import Decision, Entity, Happening, Kind, Occurred, Recounted, State, View, microseconds
from processors.state import LIMIT_BYTES, encode
from tests.processors.events import at, clocked_in, event, log_of, sold, tick
from tests.processors.oracle import Replica

ASKED = Kind("asked", State, 1, 0)


class Asker:
    """A rule that asks at each sale what was in force when it occurred, and remembers the answers by the sale's minute."""

    name = "asker"
    event_types = frozenset({SALE_COMPLETED})
    kinds = (ASKED,)

    def __init__(self) -> None:
        self.heard: list[tuple[str | None, str | None, int | None, tuple[str, ...]]] = []

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:  # noqa: ARG002
        """One state a store."""
        return [Entity(ASKED, "all")]

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:  # noqa: ARG002
        """Ask."""
        assert isinstance(happening, Occurred)
        moment = happening.event.envelope.occurred_at
        store, sku, supplier = view.store_at(moment), view.sku_at("MILK", moment), view.supplier_at("DAIRY", moment)
        promotions = tuple(sorted(each.promotion_id for each in view.promotions_at(moment)))
        names = store.name if store else None, sku.name if sku else None, supplier.lead_time_days if supplier else None
        self.heard.append((*names, promotions))
        return Decision(None)


def heard(*story: Event[Any]) -> list[tuple[str | None, str | None, int | None, tuple[str, ...]]]:
    """Return what a rule hears at each sale: names of the store and of the SKU, the supplier's lead time, and promotions."""
    asker = Asker()
    Replica(Fold((asker,))).apply(log_of(*story))
    return asker.heard


def store(name: str, version: int, since: datetime, zone: str = "Asia/Seoul", of: str = "S1") -> Event[Any]:
    """Set up a store."""
    data = {"version": version, "effective_from": since, "store_id": of, "name": name, "timezone": zone, "currency": "KRW", "country": "KR"}
    return event(STORE_DEFINED, f"store/{of}/{version}/{name}", at(0), data, of)


def sku(name: str, version: int, since: datetime) -> Event[Any]:
    """Define milk."""
    data = {"version": version, "effective_from": since, "sku": "MILK", "name": name}
    return event(SKU_DEFINED, f"sku/{version}", at(0), data, CHAIN_WIDE)


def supplier(days: int, version: int, since: datetime) -> Event[Any]:
    """Define who delivers it."""
    data = {"version": version, "effective_from": since, "supplier_id": "DAIRY", "name": "", "lead_time_days": days}
    return event(SUPPLIER_DEFINED, f"supplier/{version}", at(0), data, CHAIN_WIDE)


def promotion(name: str, begin: int, end: int, version: int = 1, since: int = -100, **changed: Any) -> Event[Any]:
    """Define a promotion from one minute to another."""
    data = {"version": version, "effective_from": at(since), "promotion_id": name, "name": "", "kind": "other"}
    return event(
        PROMOTION_DEFINED, f"promotion/{name}/{version}", at(0), {**data, "starts_at": at(begin), "ends_at": at(end), **changed}, CHAIN_WIDE
    )


VERSIONS = [
    store("first", 1, at(10)),
    store("second", 2, at(20)),
    store("another", 1, at(0), of="S2"),
    sku("milk", 1, at(10)),
    sku("fresh milk", 2, at(20)),
    supplier(1, 1, at(10)),
    supplier(2, 2, at(20)),
]


@given(st.permutations(VERSIONS))
def test_what_was_in_force_at_the_time_is_seen_in_whatever_order_versions_came(order: list[Event[Any]]) -> None:
    """Nothing before the first version; each from its own moment on; neither the newest nor another store's."""
    sales = [sold(f"s{minute}", at(minute)) for minute in (9, 10, 19, 20)]
    first, second = ("first", "milk", 1, ()), ("second", "fresh milk", 2, ())
    assert heard(*order, *sales) == [(None, None, None, ()), first, first, second]


def test_of_one_number_the_version_that_was_recorded_first_stands() -> None:
    """A version never changes."""
    assert heard(store("first", 1, at(0)), store("other", 1, at(0)), sold("s", at(1)))[0][0] == "first"


def test_another_chain_has_other_skus_suppliers_and_promotions() -> None:
    """They share a partition, not their names."""
    strangers = [sku("milk", 1, at(0)), supplier(1, 1, at(0)), promotion("p", 0, 9)]
    strangers = [Event(each.envelope.model_copy(update={"tenant_id": "other-chain"}), each.data) for each in strangers]
    assert heard(*strangers, sold("s", at(1))) == [(None, None, None, ())]


@pytest.mark.parametrize(
    ("promotions", "running"),
    [
        ([promotion("p", 5, 6)], ("p",)),
        ([promotion("p", 4, 5)], ()),
        ([promotion("p", 6, 9)], ()),
        ([promotion("p", 0, 9), promotion("q", 0, 9)], ("p", "q")),
        ([promotion("p", 0, 9, store_ids=["S2"])], ()),
        ([promotion("p", 0, 9, store_ids=["S2", "S1"])], ("p",)),
        ([promotion("p", 0, 9, store_ids=[CHAIN_WIDE])], ("p",)),
        ([promotion("p", 0, 9), promotion("p", 0, 9, 2, 5, status="cancelled")], ()),
        ([promotion("p", 0, 9), promotion("p", 0, 9, 2, 6, status="cancelled")], ("p",)),
        ([promotion("p", 0, 9), promotion("p", 7, 9, 2)], ()),
    ],
)
def test_a_promotion_runs_from_its_first_moment_to_before_its_last_in_its_stores_unless_it_is_cancelled(
    promotions: list[Event[Any]], running: tuple[str, ...]
) -> None:
    """By the version in force at the time, which is the fifth minute of the story."""
    assert heard(*promotions, sold("s", at(5)))[0][3] == running


@pytest.mark.parametrize("zone", ["Asia/Seol", "Asia", "../etc/passwd"])
def test_a_store_whose_zone_does_not_exist_is_judged_in_utc_by_every_rule(zone: str) -> None:
    """One misspelt word must cost neither the facts and looks of the store nor a worker."""
    replica = Replica()
    replica.apply(
        log_of(store("misspelt", 1, at(0), zone), sold("s", at(1)), clocked_in("p", at(2)), *(tick(at(60 * n)) for n in range(72)))
    )
    assert [each for each in replica.derived if each.topic == DEAD_LETTERS] == []
    assert heard(store("misspelt", 1, at(0), zone), sold("s", at(1)))[0][0] == "misspelt"


@pytest.mark.parametrize("same", [False, True])
def test_promotions_stay_within_what_a_state_may_hold_and_the_latest_are_kept(same: bool) -> None:
    """However many SKUs they list, as many promotions or versions of one: a state that no record can carry would stop its partition."""
    state, number, skus = cast("State | None", None), 150, [f"SKU-{n:05}" for n in range(500)]
    for each in range(number):
        state = reference_versions.with_version(
            state, promotion("p" if same else f"p{each}", 0, 9 + each, version=each + 1, skus=skus).data
        )
    rows = reference_versions.promotions_at(state, "S1", microseconds(at(5)))
    assert rows[-1].ends_at == at(9 + number - 1)
    assert len(rows) == 1 if same else 0 < len(rows) < number
    assert len(encode(PROMOTIONS, state, 1, None, "")) < LIMIT_BYTES


def test_a_promotion_that_is_too_large_to_be_kept_with_others_is_kept_alone() -> None:
    """The last one is never what is forgotten."""
    small = reference_versions.with_version(None, promotion("small", 0, 9).data)
    state = reference_versions.with_version(small, promotion("huge", 0, 9, skus=[f"{n:0100}" for n in range(5000)]).data)
    rows = reference_versions.promotions_at(state, "S1", microseconds(at(5)))
    assert [row.promotion_id for row in rows] == ["huge"]
