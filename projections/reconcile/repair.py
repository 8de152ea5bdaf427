"""Carry out the automatic steps of a plan, one after the other, and say of each how it went. It writes nothing to the log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from infra.addresses import Addresses
from projections.errors import Halted
from projections.holds import NotHeld
from projections.reconcile.level1 import UNREACHABLE
from projections.reconcile.plan import Repair
from projections.replay.postgres_tables import StoreDays
from projections.replay.run import CannotReplay, ReplayProgress, ReplayRequest, replay

_NOT_DONE = (CannotReplay, NotHeld, Halted, *UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Repaired:
    """A step and how it went: `changed_rows` were taken out or put in; `error` says why it was not done."""

    step: Repair
    changed_rows: int = 0
    error: str | None = None


async def carry_out(
    addresses: Addresses,
    steps: Sequence[Repair],
    tell: Callable[[Repaired], None] = lambda _: None,
    watch: Callable[[Repair, ReplayProgress], None] = lambda *_: None,
) -> list[Repaired]:
    """Do what can be done without a person; a step that fails does not keep the others from being done. `watch`: how far one is."""
    done = []
    for step in steps:
        if step.is_automatic:
            done.append(await _do(addresses, step, partial(watch, step)))
            tell(done[-1])
    return done


async def _do(addresses: Addresses, step: Repair, watch: Callable[[ReplayProgress], None]) -> Repaired:
    days = StoreDays(step.store_id, step.first, step.last)
    try:
        result = await replay(addresses, ReplayRequest(step.model, days, accept_differences=days.is_everything), watch)
    except _NOT_DONE as error:
        return Repaired(step, error=str(error) or repr(error))
    return Repaired(step, result.changed_rows)
