"""Back-pressure: how many requests of a kind may be in flight; the next one is told to come again rather than queued."""

from types import TracebackType

from api.errors import ApiError


class Gate:
    """A counter with a limit; use it as a context manager around the work."""

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.limit = limit
        self.in_flight = 0

    def __enter__(self) -> "Gate":
        if self.in_flight >= self.limit:
            raise ApiError("overloaded", f"{self.in_flight} {self.name} are in flight")
        self.in_flight += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.in_flight -= 1
