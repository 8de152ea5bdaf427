"""What repairs what a reconciliation found: store-days of a read model from the log, or all of it; else what a person has to do. Pure.

A repair builds rows from the log by the same mapping and puts them in the place of those that are wrong. It never touches the log.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, TypeAlias

from contracts.envelope import CHAIN_WIDE
from projections.reconcile.compare import Difference
from projections.reconcile.report import Conflict

Action: TypeAlias = Literal["replay_store_days", "replay_all", "settle_conflict", "look"]

_WHOLE: Final = frozenset({"event_log", "stores", "reference_data"})
"""Models whose rows are not a store's, or that are compared as a whole."""
_NOT_REBUILT: Final = "dead_letters"
_MOST_STORES: Final = 50
"""With more stores to repair in one model, one rebuild of it reads the log less often."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A step, the command that does it, and why; `differences`: how many findings it answers. Dates are inclusive, None for all."""

    action: Action
    model: str
    store_id: str | None
    first: date | None
    last: date | None
    command: str
    why: str
    differences: int

    @property
    def is_automatic(self) -> bool:
        """Tell whether `tillstream reconcile repair` does it."""
        return self.action in {"replay_store_days", "replay_all"}

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "action": self.action,
            "model": self.model,
            "store_id": self.store_id,
            "from": None if self.first is None else self.first.isoformat(),
            "until": None if self.last is None else self.last.isoformat(),
            "command": self.command,
            "why": self.why,
            "differences": self.differences,
        }

    @classmethod
    def of_json(cls, found: dict[str, Any]) -> "Repair":
        """Read what `as_json` wrote."""
        first, last = (None if found[name] is None else date.fromisoformat(found[name]) for name in ("from", "until"))
        store_id, command, why, count = (found[name] for name in ("store_id", "command", "why", "differences"))
        return cls(found["action"], found["model"], store_id, first, last, command, why, count)


def plan_repairs(differences: Iterable[Difference], conflicts: Sequence[Conflict]) -> list[Repair]:
    """Propose steps: for each model its store-days, and for each conflict that nobody has settled a decision."""
    by_model: dict[str, list[Difference]] = {}
    for difference in differences:
        by_model.setdefault(difference.model, []).append(difference)
    steps = [step for model, found in sorted(by_model.items()) for step in _of_model(model, found)]
    return steps + [_of_conflict(conflict) for conflict in conflicts]


def _of_model(model: str, found: Sequence[Difference]) -> list[Repair]:
    if model == _NOT_REBUILT:
        why = "the rules' letters are no read model that can be rebuilt: `tillstream accounting` tells which records have no letter"
        return [Repair("look", model, None, None, None, "tillstream accounting", why, len(found))]
    stores: dict[str, list[Difference]] = {}
    for difference in found:
        stores.setdefault(difference.key.store_id, []).append(difference)
    if model in _WHOLE or len(stores) > _MOST_STORES or any(store in {"", CHAIN_WIDE} for store in stores):
        why = f"{_kinds(found)}: not of single stores, so all of it is built again and takes the place of what serves"
        return [Repair("replay_all", model, None, None, None, f"tillstream replay {model} --accept-differences", why, len(found))]
    return [_of_store(model, store, of_store) for store, of_store in sorted(stores.items())]


def _of_store(model: str, store: str, found: Sequence[Difference]) -> Repair:
    days = [_date(difference.key.business_date) for difference in found]
    dates = [day for day in days if day is not None]
    first, last = (min(dates), max(dates)) if len(dates) == len(days) else (None, None)
    span = "" if first is None or last is None else f" --from {first} --until {last}"
    command = f"tillstream replay {model} --store {store}{span}"
    return Repair("replay_store_days", model, store, first, last, command, _kinds(found), len(found))


def _of_conflict(conflict: Conflict) -> Repair:
    why = (
        f"event {conflict.event_id} came twice with different content; the first, at {conflict.first}, counts. If the other one is right, "
        "post an event.corrected.v1 that carries it; if the first is right, post one that repeats it"
    )
    command = "see docs/guides/reconcile.md, conflicting duplicates"
    return Repair("settle_conflict", "", conflict.store_id, None, None, command, why, 1)


def _kinds(found: Sequence[Difference]) -> str:
    kinds = sorted({difference.kind for difference in found})
    count = "1 difference" if len(found) == 1 else f"{len(found)} differences"
    return f"{count} ({', '.join(kinds)})"


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
