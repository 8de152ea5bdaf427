"""Counts and times every request by its route; knows nothing of what a route does."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.resources import Resources
from infra.clock import monotonic_seconds

_STREAMS = frozenset({"stream_alerts"})


class Observation:
    """ASGI middleware; unknown paths are counted under one name, so that a scan cannot fill the metrics."""

    def __init__(self, app: ASGIApp, resources: Resources) -> None:
        self._app = app
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = monotonic_seconds()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "name", "unknown")
            metrics = self._resources.metrics
            metrics.requests.labels(route, str(status)).inc()
            if route not in _STREAMS:
                metrics.seconds.labels(route).observe(monotonic_seconds() - begun)
