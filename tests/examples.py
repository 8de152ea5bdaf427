"""How many examples a law is tried with: what each names, by default; ten times as many in the long run.

The two profiles are Hypothesis's own. `make long` chooses the other one with `--hypothesis-profile=long`.
"""

from hypothesis import settings

_SHORT, _LONG = 100, 1_000


def register_profiles() -> None:
    """Make both known and load the short one. No example has a deadline: it would measure the machine."""
    settings.register_profile("short", max_examples=_SHORT, deadline=None)
    settings.register_profile("long", max_examples=_LONG, deadline=None)
    settings.load_profile("short")


def examples(number: int) -> int:
    """Return how many examples this run tries where the default run tries `number`."""
    return number * settings().max_examples // _SHORT
