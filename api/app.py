"""Builds the API: routes with their permissions, errors and metrics. Nothing is built at import, nothing opened before the lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI, params
from fastapi.routing import APIRoute

from api.config import ApiConfig
from api.dependencies import authorise
from api.edge.door import Door
from api.errors import add_error_handlers
from api.observation import Observation
from api.openapi import install_openapi
from api.resources import Resources
from api.routes import (
    accounting,
    alerts,
    archive,
    attendance,
    attendance_weeks,
    changes,
    dead_letters,
    events,
    health,
    histories,
    incoming_goods,
    kpis,
    metrics,
    quarantine,
    reconciliation,
    reference_data,
    reorder_recommendations,
    sales_facts,
    status,
    stock,
    stores,
    tills,
    webhooks,
)
from api.security.permissions import Access, RouteUndeclared, access_of, check_declared
from api.security.signed import signed_delivery

__all__ = ["ApiConfig", "create_app", "mount"]

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    events.router,
    webhooks.router,
    kpis.router,
    sales_facts.router,
    histories.router,
    changes.router,
    incoming_goods.router,
    reference_data.router,
    stock.router,
    attendance.router,
    attendance_weeks.router,
    alerts.router,
    reorder_recommendations.router,
    stores.router,
    tills.router,
    quarantine.router,
    dead_letters.router,
    reconciliation.router,
    status.router,
    accounting.router,
    archive.router,
    metrics.router,
)


_CHECKS: dict[Access, list[params.Depends]] = {"token": [Depends(authorise)], "signature": [Depends(signed_delivery)], "nothing": []}


def mount(app: FastAPI, router: APIRouter) -> None:
    """Add a router whose routes are all declared; those that are not public get the check of the caller or of the signature."""
    names = [route.name for route in router.routes if isinstance(route, APIRoute)]
    if len(names) != len(router.routes):
        raise RouteUndeclared("only plain API routes can be mounted: nothing else can be checked")
    check_declared(names)
    asked = {access_of(name) for name in names}
    if len(asked) > 1:
        raise RouteUndeclared("public, signed and protected routes need routers of their own")
    app.include_router(router, dependencies=[check for access in asked for check in _CHECKS[access]])


def create_app(config: ApiConfig) -> FastAPI:
    """Build the app for one process; its lifespan opens and closes what it needs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        resources: Resources = app.state.resources
        await resources.open()
        try:
            yield
        finally:
            await resources.close()

    app = FastAPI(
        title="Tillstream",
        version="1",
        description="Events in; KPIs, alerts and reorder recommendations out. Every KPI answer says as of when, and how far behind.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.resources = Resources(config)
    for router in ROUTERS:
        mount(app, router)
    add_error_handlers(app)
    install_openapi(app)
    (route,) = (route for route in events.router.routes if isinstance(route, APIRoute))
    app.add_middleware(Door, resources=app.state.resources, route=route, endpoint=events.post_events, handlers=app.exception_handlers)
    app.add_middleware(Observation, resources=app.state.resources)
    return app
