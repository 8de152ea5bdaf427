"""Which rules a contender runs: the same objects for all of them."""

from collections.abc import Sequence

from processors.fold import RULES
from processors.rules.rule import Rule


def chosen(names: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules of these names, every rule for none."""
    return tuple(rule for rule in RULES if rule.name in names) if names else RULES
