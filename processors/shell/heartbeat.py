"""How old the last answered heartbeat is: a worker whose session may have ended must not write any more."""

from collections.abc import Awaitable, Callable
from typing import Any

from infra.clock import monotonic_seconds


class Heartbeat:
    """Listens to one group coordinator. The clock goes on while the process or the machine sleeps."""

    def __init__(self) -> None:
        self._answered_at = float("-inf")

    @property
    def age_seconds(self) -> float:
        """Return the time since the sending of the last heartbeat or join that was answered."""
        return monotonic_seconds() - self._answered_at

    def listen(self, coordinator: Any) -> None:
        """Wrap the coordinator's calls, on this one instance."""
        coordinator._do_heartbeat = self._timed(coordinator._do_heartbeat)
        coordinator._on_join_complete = self._joined(coordinator._on_join_complete)

    def _timed(self, send: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
        async def heartbeat() -> bool:
            sent_at = monotonic_seconds()
            answered = await send()
            if answered:
                self._answered_at = sent_at
            return answered

        return heartbeat

    def _joined(self, complete: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def join(*args: Any, **named: Any) -> None:
            self._answered_at = monotonic_seconds()
            await complete(*args, **named)

        return join
