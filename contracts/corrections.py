"""Which events count, given all corrections of one store: the same rule in every fold, as a pure function of a set."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Link:
    """A correction seen from outside: who it is, whom it names, and where it was recorded first."""

    event_id: UUID
    corrects_event_id: UUID
    position: int


def not_counting(links: Iterable[Link]) -> frozenset[UUID]:
    """Return the ids, of events and of corrections, whose content does not count.

    Of several corrections of one event the first recorded wins; the others never count, nor does
    anything that corrects them. What an effective correction names does not count. Corrections that
    name each other in a circle correct no event, and none of them counts.
    """
    by_target: dict[UUID, list[Link]] = {}
    first: dict[UUID, Link] = {}
    for link in links:
        known = first.get(link.event_id)
        if known is None or link.position < known.position:
            first[link.event_id] = link
    for link in first.values():
        by_target.setdefault(link.corrects_event_id, []).append(link)
    out: set[UUID] = set()
    reached: set[UUID] = set()
    queue = [(target, True) for target in by_target if target not in first]
    while queue:
        target, effective = queue.pop()
        rivals = sorted(by_target.get(target, ()), key=lambda link: (link.position, link.event_id))
        if effective and rivals:
            out.add(target)
        for place, link in enumerate(rivals):
            wins = effective and place == 0
            if not wins:
                out.add(link.event_id)
            reached.add(link.event_id)
            queue.append((link.event_id, wins))
    return frozenset(out | (first.keys() - reached))
