"""Deny by default: every route says who may call it, and nobody else can."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from openapi_spec_validator import validate

from api.app import ROUTERS, ApiConfig, create_app, mount
from api.security.caller import ROLES
from api.security.permissions import PERMISSIONS, PUBLIC, RouteUndeclared
from api.security.tokens import issue_token
from infra.addresses import Addresses
from tests.api.events import TENANT
from tests.api.running import KEY

NOWHERE = Addresses("127.0.0.1:1", "postgresql://nobody:x@127.0.0.1:1/none", "http://nobody:x@127.0.0.1:1/none", "no-log")
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


@pytest.fixture
def app() -> FastAPI:
    """Build an app that has nothing to connect to."""
    return create_app(ApiConfig(NOWHERE, KEY))


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Call it without a network."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://api") as client:
        yield client


def bearer(role: str) -> dict[str, str]:
    """Return the headers of a holder of a role."""
    stores = ("*",) if role == "hq" else ("A",)
    device = "till-1" if role == "device" else None
    token = issue_token(KEY, subject="t", role=role, tenant=TENANT, stores=stores, device_id=device)
    return {"Authorization": f"Bearer {token}"}


def path_of(route: APIRoute) -> str:
    """Return a path that matches a route."""
    return route.path.replace("{business_date}", "2026-03-02")


def test_every_route_is_in_the_matrix_or_public(app):
    """The walk over what is really served finds nothing else, and the matrix names no route that is gone."""
    served = {
        (method.upper(), path, operation["operationId"])
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
    }
    assert {(method, route.path, route.name) for route in ROUTES for method in route.methods} == served
    assert {name for _, _, name in served} | {"openapi"} == PERMISSIONS.keys() | PUBLIC
    others = [route.path for route in app.routes if getattr(route, "path", None) is not None]
    assert others == ["/openapi.json"]


def _nothing() -> None:
    return None


def test_a_route_that_declares_nothing_cannot_be_mounted():
    """Forgetting is an error at start, not a hole."""
    router = APIRouter()
    router.add_api_route("/v1/wages", _nothing, name="list_wages")
    with pytest.raises(RouteUndeclared):
        mount(FastAPI(), router)
    mixed = APIRouter()
    mixed.add_api_route("/a", _nothing, name="health_live")
    mixed.add_api_route("/b", _nothing, name="list_stores")
    with pytest.raises(RouteUndeclared):
        mount(FastAPI(), mixed)
    nested = APIRouter()
    nested.include_router(router)
    with pytest.raises(RouteUndeclared):
        mount(FastAPI(), nested)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_nobody_gets_past_a_route_without_a_token_or_with_the_wrong_role(route, anonymous):
    """401 without a token or with a bad one, 403 for each role that the matrix leaves out, no refusal of those that it names."""
    (method,) = route.methods
    if route.name in PUBLIC:
        assert (await anonymous.request(method, path_of(route))).status_code in {200, 503}
        return
    nothing = await anonymous.request(method, path_of(route))
    assert (nothing.status_code, nothing.json()["code"], nothing.headers["www-authenticate"]) == (401, "unauthenticated", "Bearer")
    for bad in (
        "Bearer x.y.z",
        "Basic dTpw",
        "Bearer",
        "Bearer " + issue_token("another-key-of-more-than-thirty-two-bytes", subject="t", role="hq", tenant=TENANT, stores=("*",)),
    ):
        assert (await anonymous.request(method, path_of(route), headers={"Authorization": bad})).status_code == 401
    for role in ROLES:
        answer = await anonymous.request(method, path_of(route), headers=bearer(role))
        if role in PERMISSIONS[route.name]:
            assert answer.status_code not in {401, 403}
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing", 404), ("DELETE", "/v1/events", 405), ("GET", "/docs", 404)])
async def test_what_does_not_exist_is_a_problem_too(method, path, status, anonymous):
    """Every refusal is a problem document with a stable code."""
    answer = await anonymous.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert {"type", "title", "status", "detail", "instance", "code"} <= answer.json().keys()


async def test_without_its_stores_the_app_lives_and_names_what_is_missing(anonymous):
    """Alive is not ready."""
    assert (await anonymous.get("/health/live")).json() == {"status": "live"}
    ready = await anonymous.get("/health/ready")
    assert ready.status_code == 503
    assert set(ready.json()["missing"]) == {"postgres", "clickhouse", "kafka", "alert_stream", "stores"}


def test_the_openapi_document_is_valid_and_complete(app):
    """A linter accepts it; each operation has an id, a summary, its problems, and security unless it is public."""
    document = json.loads(json.dumps(app.openapi()))
    validate(document)
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, item in document["paths"].items():
        for operation in item.values():
            assert operation["summary"], path
            assert ("security" in operation) == (operation["operationId"] not in PUBLIC)
            if operation["operationId"] not in PUBLIC:
                assert {"401", "403"} <= operation["responses"].keys()
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)
