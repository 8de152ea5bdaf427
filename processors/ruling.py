"""Which rule wants to see what, and who decides on which state: worked out once for the rules of a fold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from processors.answers import ANSWERS
from processors.corrected import CORRECTIONS
from processors.partition_clock import CLOCK
from processors.policies import POLICY
from processors.reference_versions import PROMOTIONS, REFERENCE
from processors.rules.rule import Became, EventRun, FoldsRuns, Kind, Left, Rule
from processors.seen import SEEN
from processors.stages import PARTITION_CLOCKS

InRun: TypeAlias = Callable[[EventRun], Iterable[Became | Left]]
_READ_BY_RULES = (CLOCK, PARTITION_CLOCKS, CORRECTIONS, POLICY, REFERENCE, PROMOTIONS, ANSWERS)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who decides on states of a kind."""

    rule: Rule
    kind: Kind


@dataclass(frozen=True, slots=True)
class Ruling:
    """Rules in their order; every kind of state, and who decides on those of rules, by name.

    `wanting` are for each event type the rules that want to see it, with how they fold a run of it in one go.
    """

    rules: tuple[Rule, ...]
    kinds: Mapping[str, Kind]
    owners: Mapping[str, Owner]
    wanting: Mapping[str, tuple[tuple[Rule, InRun | None], ...]]

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> "Ruling":
        """Work it out; ValueError as `kinds_of` says."""
        owners = {kind.name: Owner(rule, kind) for rule in rules for kind in rule.kinds}
        types = frozenset[str]().union(*(rule.event_types for rule in rules))
        wanting = {each: tuple((rule, _way(rule, each)) for rule in rules if each in rule.event_types) for each in types}
        return cls(tuple(rules), kinds_of(rules), owners, wanting)


def kinds_of(rules: Sequence[Rule]) -> dict[str, Kind]:
    """Return every kind of state by name; ValueError when two share one, or a rule's would be written behind what it reads."""
    kinds: dict[str, Kind] = {}
    of_rules = [kind for rule in rules for kind in rule.kinds]
    for kind in (*_READ_BY_RULES, SEEN, *of_rules):
        if kinds.setdefault(kind.name, kind) is not kind:
            raise ValueError(f"two kinds of state are called {kind.name}")
    late = [kind.name for kind in of_rules if kind.level >= min(own.level for own in _READ_BY_RULES)]
    if late:
        raise ValueError(f"written no earlier than what every rule reads: {', '.join(late)}")
    return kinds


def _way(rule: Rule, event_type: str) -> InRun | None:
    return rule.in_run if isinstance(rule, FoldsRuns) and event_type in rule.run_types else None
