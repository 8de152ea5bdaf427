"""Carry events of an older major version forward: one step from each old type to the next, until a type of today is reached. Pure.

Every type of today is in its first major version, so the table is empty. When a type gets a second one, its old name moves
here with the step that turns old content into new, and its old examples stay in the tests for good.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upcaster:
    """One step: the type that the old content becomes, and how; `carry` gets JSON content and changes nothing in place."""

    to_type: str
    carry: Callable[[Content], Content]


UPCASTERS: Final[dict[str, Upcaster]] = {}
"""Old type to the step that leaves it."""


def carried(event_type: str, content: Content, upcasters: Mapping[str, Upcaster]) -> tuple[str, Content]:
    """Return type and content of today for those of any age; a type without a step is returned as it is."""
    while (step := upcasters.get(event_type)) is not None:
        event_type, content = step.to_type, step.carry(content)
    return event_type, content
