"""The short way to the edge: posts of events pass by what the framework does for routes with parameters.

The route stays declared, documented and permitted like every other; this only calls it with less work in between.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.dependencies import caller_of
from api.resources import Resources
from api.security.caller import Caller

Endpoint: TypeAlias = Callable[[Request, Resources, Caller], Awaitable[Response]]


class Door:
    """ASGI middleware: requests of one route go straight to its endpoint once the caller is known, all others go on."""

    def __init__(self, app: ASGIApp, resources: Resources, route: APIRoute, endpoint: Endpoint, handlers: Any) -> None:
        self._app = app
        self._resources = resources
        self._route = route
        self._methods = frozenset(route.methods or ())
        self._endpoint = endpoint
        self._inside = ExceptionMiddleware(self._answer, handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request by its path and method."""
        if scope["type"] == "http" and scope["path"] == self._route.path and scope["method"] in self._methods:
            scope["route"] = self._route
            await self._inside(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._endpoint(request, self._resources, await caller_of(request))
        await response(scope, receive, send)
