"""Laws of the correction rule, checked against a slow reading of its words."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from contracts.corrections import Link, not_counting


def uid(number: int) -> UUID:
    """Return a readable id."""
    return UUID(int=number)


def links_of(pairs: list[tuple[int, int]]) -> list[Link]:
    """Make links recorded in the order given: (correction, what it names)."""
    return [Link(uid(a), uid(b), position) for position, (a, b) in enumerate(pairs)]


any_links = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 12), st.integers(0, 30)), max_size=14).map(
    lambda rows: [Link(uid(a), uid(b), position) for a, b, position in {(row[0], row[2]): row for row in rows}.values()]
)


def counts(event: UUID, links: list[Link]) -> bool:
    """Say whether an event counts, straight from the words: no effective correction names it, and it is effective itself."""
    first = {link.event_id: link for link in sorted(links, key=lambda link: link.position, reverse=True)}

    def effective(link: Link, seen: frozenset[UUID]) -> bool:
        if link.event_id in seen:
            return False
        rivals = [other for other in first.values() if other.corrects_event_id == link.corrects_event_id]
        if min(rivals, key=lambda other: (other.position, other.event_id)) != link:
            return False
        parent = first.get(link.corrects_event_id)
        return parent is None or effective(parent, seen | {link.event_id})

    own = first.get(event)
    named = any(effective(link, frozenset()) for link in first.values() if link.corrects_event_id == event)
    return not named and (own is None or effective(own, frozenset()))


@given(any_links)
def test_the_rule_is_what_its_words_say(links: list[Link]) -> None:
    """The fast fold agrees with the recursive reading for every id, circles included."""
    everyone = {link.event_id for link in links} | {link.corrects_event_id for link in links}

    assert {event for event in everyone if not counts(event, links)} == not_counting(links)


@given(any_links, st.randoms(use_true_random=False))
def test_the_order_in_which_links_are_read_does_not_matter(links: list[Link], random: object) -> None:
    """The answer is a function of the set of links."""
    shuffled = list(links)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert not_counting(links) == not_counting(shuffled)


@given(any_links)
def test_a_repeat_of_a_correction_changes_nothing(links: list[Link]) -> None:
    """The same correction again, recorded later, is a repeat."""
    again = [Link(link.event_id, link.corrects_event_id, link.position + 100) for link in links]

    assert not_counting(links) == not_counting(links + again)


def test_of_two_corrections_the_first_recorded_wins() -> None:
    """The second one of the same event never counts."""
    assert {uid(1), uid(11)} == not_counting(links_of([(10, 1), (11, 1)]))


def test_a_correction_of_a_correction_replaces_it() -> None:
    """Only the newest of the chain counts."""
    assert {uid(1), uid(10), uid(11)} == not_counting(links_of([(10, 1), (11, 10), (12, 11)]))


def test_what_corrects_a_losing_correction_does_not_count() -> None:
    """A chain that hangs on a loser is dead."""
    assert {uid(1), uid(11), uid(12)} == not_counting(links_of([(10, 1), (11, 1), (12, 11)]))


def test_corrections_in_a_circle_do_not_count() -> None:
    """Two corrections that name each other correct nothing, and say nothing."""
    assert {uid(10), uid(11)} == not_counting(links_of([(10, 11), (11, 10)]))
