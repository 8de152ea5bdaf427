"""How attendance rules tell what they find: exact in their last words, and never mute about a time that is not over. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

from processors.rules.alerting import Finding
from processors.rules.rule import View


@dataclass(frozen=True, slots=True)
class Heard:
    """As much of a view as the life of alerts needs; a window that is not over is no history, whatever came too late."""

    view: View

    @property
    def clock(self) -> datetime | None:
        """The partition's clock."""
        return self.view.clock

    @property
    def store_id(self) -> str:
        """The store."""
        return self.view.store_id

    def too_late(self, window_end: datetime) -> bool:
        """Return whether a window is over, and history."""
        return self.view.too_late(window_end) and (self.clock is None or window_end <= self.clock)


def exact(finding: Finding) -> Finding:
    """Let a finding that cannot grow any more be told again when any word of it differs, so that all orders end in the same words."""
    if finding.news:
        return finding
    words = f"{finding.summary} {finding.window_end.isoformat()} {finding.evidence.model_dump_json()}"
    return replace(finding, news=blake2b(words.encode(), digest_size=9).hexdigest())
