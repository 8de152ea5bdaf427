"""What an edge buffer is given: the centre, the token, the directory and the limits. Nothing is opened or read here."""

from dataclasses import dataclass, field
from pathlib import Path

from api.config import CrashPoints, Limits
from api.store_and_forward.pace import PaceOptions

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """Everything that `create_edge_app` needs; `directory` belongs to one buffer alone."""

    centre: str
    token_file: Path
    directory: Path
    max_bytes: int = 1024 * MEBIBYTE
    min_free_bytes: int = 64 * MEBIBYTE
    """Room that is left on the disk, so that what was sent can still be taken off the list."""
    remembered_ids: int = 50_000
    limits: Limits = field(default_factory=Limits)
    pace: PaceOptions = field(default_factory=PaceOptions)
    idle_seconds: float = 1.0
    token_hold_seconds: float = 60.0
    """How long a refused token is not tried again while its file stays the same."""
    send_timeout_seconds: float = 30.0
    stop_grace_seconds: float = 5.0
    crash_points: CrashPoints | None = None

    def reach(self, name: str) -> None:
        """Pass a named point: `received`, `buffered` (durable, not answered), `sending`, `sent` (answered, not removed), `removed`."""
        if self.crash_points is not None:
            self.crash_points.reach(name)
