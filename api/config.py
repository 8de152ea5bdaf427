"""What an API process is given: addresses, key, time mode and limits. Nothing is opened or read here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from infra.addresses import Addresses
from producers.connections import Account


class CrashPoints(Protocol):
    """A place in the middle of the work that a test may want to stop at; a real process is given none."""

    def reach(self, name: str) -> None:
        """Say that the work has come to `name`: `accepted` (judged, not yet sent) or `published` (on the log, not yet answered)."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one process takes on before it says no."""

    body_bytes: int = 1024 * 1024
    body_timeout_seconds: float = 10.0
    events_per_post: int = 1_000
    publish_timeout_seconds: float = 10.0
    posts_in_flight: int = 128
    queries_in_flight: int = 64
    streams: int = 200
    stream_queue_events: int = 2_000
    heartbeat_seconds: float = 10.0
    stores_refresh_seconds: float = 3.0
    log_ends_seconds: float = 0.5
    wait_ms: int = 10_000
    page_rows: int = 500


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """Everything that `create_app` needs."""

    addresses: Addresses
    signing_key: str
    time: Literal["live", "simulated"] = "live"
    limits: Limits = field(default_factory=Limits)
    crash_points: CrashPoints | None = None
    connections: Mapping[str, Account] = field(default_factory=dict)

    def reach(self, name: str) -> None:
        """Pass a named point of the work."""
        if self.crash_points is not None:
            self.crash_points.reach(name)
