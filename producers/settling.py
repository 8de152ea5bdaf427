"""When a file that somebody else writes is complete: it has not changed for a while. Time is passed in; no file is opened here."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stamp:
    """What shows that a file changed: its size, its time of change, and which file it is."""

    size: int
    changed_ns: int
    inode: int


@dataclass(slots=True)
class Settling:
    """Remembers since when each file looks as it does."""

    settle_seconds: float
    _since: dict[str, tuple[Stamp, float]] = field(default_factory=dict)

    def settled(self, stamps: Mapping[str, Stamp], now_seconds: float) -> list[str]:
        """Take what is in the directory now; return the names that have not changed for the time, in order of name.

        An empty file is never settled: whoever makes one is about to write. A clock that goes back only makes files wait.
        """
        kept = {name: self._since.get(name, (stamp, now_seconds)) for name, stamp in stamps.items()}
        self._since = {
            name: (known, since) if known == stamps[name] else (stamps[name], now_seconds) for name, (known, since) in kept.items()
        }
        return sorted(name for name, (stamp, since) in self._since.items() if stamp.size and now_seconds - since >= self.settle_seconds)

    def forget(self, name: str) -> None:
        """Begin anew with a file, as if it had just changed."""
        self._since.pop(name, None)
