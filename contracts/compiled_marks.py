"""Which validators may judge a compiled reading: those that were written for both forms of a model, and say so."""

from collections.abc import Callable
from typing import Any, TypeVar

Check = TypeVar("Check", bound=Callable[..., Any])
_MARK = "_judges_both_forms"


def judges_both_forms(check: Check) -> Check:
    """Mark a validator that reads attributes only, and to which decimals, times and ids may come as canonical text.

    A model with a validator that is not marked is not compiled: comparing texts where times were meant would be a silent error.
    """
    setattr(check, _MARK, True)
    return check


def is_marked(check: Callable[..., Any]) -> bool:
    """Tell whether a validator judges both forms."""
    return getattr(check, _MARK, False) is True
