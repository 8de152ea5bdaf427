"""Labour rules as policy data: whether they hold in a store, and how long breaks must be. Not legal advice.

Built-in terms hold in stores in Korea only; elsewhere only what a policy sets.
"""

from datetime import datetime, timedelta

from contracts.policies.breaks import BreaksPolicy
from contracts.policies.minor_work import MinorWorkPolicy
from processors.rules.rule import Policy, View

BUILT_IN_COUNTRY = "KR"
BUILT_IN_BREAKS = Policy(0, BreaksPolicy())
BUILT_IN_MINOR_WORK = Policy(0, MinorWorkPolicy())


def labour_policy(view: View, name: str, built_in: Policy, at: datetime) -> Policy | None:
    """Return the terms in force at a time: those that a policy sets, else the built-in ones where they are law, else none."""
    policy = view.policy(name, None, at)
    if policy is not None:
        return policy
    store = view.store_at(at)
    return built_in if store is not None and store.country == BUILT_IN_COUNTRY else None


def is_exempt(view: View, least_head_count: int, at: datetime) -> bool:
    """Return whether a store is known to employ fewer people than a rule is for."""
    store = view.store_at(at)
    return store is not None and store.head_count is not None and store.head_count < least_head_count


def required_break(terms: BreaksPolicy, worked: timedelta) -> timedelta:
    """Return how long the breaks within so much work must be."""
    due = (step.break_minutes for step in terms.steps if timedelta(minutes=step.worked_minutes) <= worked)
    return timedelta(minutes=max(due, default=0))


def shortest_break(terms: BreaksPolicy, present: timedelta) -> timedelta:
    """Return the shortest breaks with which somebody may be present for so long: what is a break is not work."""
    lengths = sorted(timedelta(minutes=step.break_minutes) for step in terms.steps)
    return next((each for each in (timedelta(), *lengths) if required_break(terms, present - each) <= each), lengths[-1])
