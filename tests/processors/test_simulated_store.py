"""A simulated store of eight weeks in which much goes wrong: how early or late its facts are told changes nothing that stands."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import Event
from contracts.events.registry import POLICY_SET
from producers.simulator.faults import ALL
from producers.simulator.generate import generate
from producers.simulator.options import SimulationOptions
from tests.processors.events import record, tick
from tests.processors.oracle import alerts, replica_of

_DAYS, _AFTER = 56, 20
_START = datetime(2026, 3, 2, tzinfo=UTC)
_DAY = timedelta(days=1)
_FAULTS = ALL - {"conflicting_duplicates"}
"""Of two contents under one id the first one stands: there the order matters by definition."""

Moved = Callable[[datetime, Random], datetime]
TOLD: Mapping[str, Moved] = {
    "when it happened": lambda at, _: at,
    "up to four days ahead of the clock": lambda at, random: at - random.uniform(0, 4) * _DAY,
    "under a clock that is four days behind": lambda at, _: at - 4 * _DAY,
    "up to 22 hours late": lambda at, random: at + random.uniform(0, 0.9) * _DAY,
    "early or late": lambda at, random: at + random.uniform(-4, 0.9) * _DAY,
}


@cache
def _facts() -> list[Event[Any]]:
    options = SimulationOptions(seed=2, stores=1, days=_DAYS, start=_START.date(), partitions=1, ticks=False, faults=_FAULTS)
    return [row.event for row in generate(options)]


def _is_reference(event: Event[Any]) -> bool:
    """Facts about the store come before all others: what is judged by settings that nobody had is another question."""
    return event.type == POLICY_SET or event.type.endswith(".defined.v1")


@cache
def _told(how: str) -> tuple[dict[UUID, Any], set[UUID]]:
    """Return the alerts that stand in the end, with their words, and those that were closed by their age."""
    random = Random(how)
    ticks = [tick(_START + hours * timedelta(hours=3)) for hours in range(8 * (_DAYS + _AFTER))]
    moments = [(each.envelope.occurred_at, each) for each in ticks]
    for each in _facts():
        at = each.envelope.occurred_at
        moments.append((_START - 10 * _DAY if _is_reference(each) else TOLD[how](at, random), each))
    ordered = sorted(moments, key=lambda row: row[0])
    replica = replica_of([record(each, offset, at) for offset, (at, each) in enumerate(ordered)], 3000)
    rows = alerts(replica.derived)
    ended = {identity for identity, row in rows.items() if row.status == "orphaned"}
    stand = {identity: row for identity, row in rows.items() if row.status in {"raised", "updated"}}
    return {identity: row.model_copy(update={"transition": 0, "status": ""}) for identity, row in stand.items()}, ended


@pytest.mark.long
@pytest.mark.parametrize("how", list(TOLD)[1:])
def test_how_early_or_late_facts_are_told_changes_nothing_that_stands(how: str) -> None:
    """Eight weeks, for what is forgotten after five is what goes wrong last."""
    stand, closed = _told("when it happened")
    assert len({row.rule for row in stand.values()}) >= 3
    assert closed
    assert _told(how) == (stand, closed)
