"""A post as it is read: each document the compiled way where it can be, the precise way where it must be.

Split once, read twice at most. A body that is unreadable as a whole is refused before any of its events is judged.
"""

from collections.abc import Sequence
from functools import cached_property

from api.edge.documents import BATCH, NDJSON, SINGLE, Document, documents
from contracts.compiled_envelope import PostedEvent, posted_event, posted_events


class Reading:
    """The documents of one post. `quick` has the compiled reading of each, or None where only the precise one can say."""

    def __init__(self, kind: str, body: bytes, limit: int) -> None:
        self._form = kind, body, limit
        self.quick: Sequence[PostedEvent | None] = _quick(kind, body)
        if not 0 < len(self.quick) <= limit or None in self.quick:
            self._align()

    @cached_property
    def documents(self) -> Sequence[Document]:
        """All documents, read precisely; ApiError when the body is unreadable as a whole, empty or too many."""
        return documents(*self._form)

    def _align(self) -> None:
        """Rely on no compiled reading unless both found the same number of documents: blank lines are told apart in one of them."""
        if len(self.quick) != len(self.documents):
            self.quick = [None] * len(self.documents)

    def __len__(self) -> int:
        return len(self.quick)

    def store_ids(self) -> set[str]:
        """Return the stores that the documents name."""
        named = {found.storeid for found in self.quick if found is not None}
        if None in self.quick:
            named |= {str(found.get("storeid")) for found in self.documents if isinstance(found, dict)}
        return named


class ReadPrecisely(Reading):
    """Documents that somebody has already read."""

    def __init__(self, found: Sequence[Document]) -> None:
        self.documents = found
        self.quick = [None] * len(found)


def _quick(kind: str, body: bytes) -> Sequence[PostedEvent | None]:
    if kind == NDJSON:
        return [posted_event(line) for line in body.split(b"\n") if line.strip()]
    if kind != SINGLE and body.lstrip()[:1] == b"[":
        return posted_events(body)
    return [posted_event(body)] if kind != BATCH else []
