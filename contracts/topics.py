"""Every topic, declared once: purpose, key, partitions, retention, writers and readers."""

from dataclasses import dataclass
from typing import Literal

EMBEDDED_PARTITIONS = 6
SERVER_PARTITIONS = 24


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's declaration; partition counts are fixed for life (`per_store`: 6 embedded, 24 on servers).

    `has_clock`: every partition gets a record at each tick, so that the last one's time says how far a reader is.
    """

    name: str
    purpose: str
    key: str
    spread: Literal["per_store", "single"]
    retention_days: int | None
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    has_clock: bool = False

    def partitions(self, per_store: int) -> int:
        """Return how many partitions it has where stores are spread over `per_store`."""
        return per_store if self.spread == "per_store" else 1


STORE_FACTS = "store-facts-v1"
REFERENCE_DATA = "reference-data-v1"
DECISIONS = "decisions-v1"
ALERTS = "alerts-v1"
REORDER_RECOMMENDATIONS = "reorder-recommendations-v1"
CHAIN_OBSERVATIONS = "chain-observations-v1"
DEAD_LETTERS = "dead-letters-v1"

RETRY_APPLIED = "retry_applied"
"""The reason under which a rule worker says that the retry of a dead letter went through; the record is the retry."""

TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(
            STORE_FACTS,
            "All facts of a store, its ticks, and the reference and policy versions that rules need, in one order per store.",
            "store id",
            "per_store",
            None,
            ("api", "producers", "relay", "ticker"),
            ("processors", "projections"),
            has_clock=True,
        ),
        Topic(
            REFERENCE_DATA,
            "Immutable versions of reference data.",
            "store id or chain:<id>",
            "single",
            None,
            ("relay", "producers"),
            ("projections",),
        ),
        Topic(DECISIONS, "What people decided.", "store id or chain:<id>", "per_store", None, ("relay",), ("projections",)),
        Topic(
            ALERTS,
            "Transitions of alerts, and the progress of rule workers.",
            "store id",
            "per_store",
            None,
            ("processors",),
            ("projections", "api"),
            has_clock=True,
        ),
        Topic(
            REORDER_RECOMMENDATIONS,
            "Revisions of reorder recommendations.",
            "store id",
            "per_store",
            None,
            ("processors",),
            ("projections",),
        ),
        Topic(
            CHAIN_OBSERVATIONS,
            "Observations of stores, compared across a chain.",
            "chain:<id>",
            "per_store",
            30,
            ("processors",),
            ("processors",),
            has_clock=True,
        ),
        Topic(
            DEAD_LETTERS,
            "Records that a rule worker could not apply, bytes untouched, and retries of them that it did apply.",
            "store id",
            "single",
            None,
            ("processors",),
            ("projections",),
        ),
    )
}
