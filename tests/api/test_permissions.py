"""Deny by default: every route says who may call it, and nobody else can."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from openapi_spec_validator import validate

from api.app import ROUTERS, ApiConfig, create_app, mount
from api.errors import add_error_handlers
from api.resources import Resources
from api.security.caller import ROLES
from api.security.permissions import PERMISSIONS, PUBLIC, SIGNED, RouteUndeclared
from api.security.tokens import issue_token
from infra.addresses import Addresses
from producers.connections import parse_connections
from tests.api.events import TENANT
from tests.api.running import KEY

NOWHERE = Addresses("127.0.0.1:1", "postgresql://nobody:x@127.0.0.1:1/none", "http://nobody:x@127.0.0.1:1/none", "no-log")
CONNECTION = parse_connections(
    """
connections:
  own-till:
    vendor: json_lines
    tenant: demo
    secret: {env: OWN_TILL}
    locations: {a: {store_id: A, timezone: Asia/Seoul, currency: KRW, cut_off_hour: 5}}
""",
    {"OWN_TILL": "a secret of the tests"},
)["own-till"]
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


@pytest.fixture
def app() -> FastAPI:
    """Build an app that has nothing to connect to."""
    return create_app(ApiConfig(NOWHERE, KEY, connections={CONNECTION.name: CONNECTION}))


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
    return route.path.replace("{business_date}", "2026-03-02").replace("{month}", "2026-03")


def test_every_route_is_in_the_matrix_or_public(app):
    """The walk over what is really served finds nothing else, and the matrix names no route that is gone."""
    served = {
        (method.upper(), path, operation["operationId"])
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
    }
    assert {(method, route.path, route.name) for route in ROUTES for method in route.methods} == served
    assert {name for _, _, name in served} | {"openapi"} == PERMISSIONS.keys() | PUBLIC | SIGNED
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
    if route.name in SIGNED:
        await _nobody_without_a_signature(anonymous, method, route)
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


async def _nobody_without_a_signature(anonymous, method, route):
    """A token opens no signed route, of whatever role; only the signature of a configured connection does."""
    path = route.path.replace("{connection}", CONNECTION.name)
    for headers in ({}, *(bearer(role) for role in ROLES), {CONNECTION.vendor.scheme.header: "x"}):
        answer = await anonymous.request(method, path, headers=headers, content=b"not even JSON")
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
        assert answer.headers["www-authenticate"].startswith("Signature")
    unknown = await anonymous.request(method, route.path.replace("{connection}", "another"), headers=bearer("hq"))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", sorted(SIGNED))
async def test_a_signed_route_checks_the_signature_before_anything_else(name):
    """Mounted under a signed name, a route that does nothing but answer is not reached without a signature: mounting adds the check."""
    reached = []
    router = APIRouter()
    router.add_api_route("/{connection}", lambda: reached.append(1), name=name, methods=["POST"])
    app = FastAPI()
    app.state.resources = Resources(ApiConfig(NOWHERE, KEY, connections={CONNECTION.name: CONNECTION}))
    add_error_handlers(app)
    mount(app, router)
    body = b"{"
    scheme = CONNECTION.vendor.scheme
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        for headers in ({}, {scheme.header: scheme.signature("another secret", body)}):
            assert (await client.post(f"/{CONNECTION.name}", headers=headers, content=body)).status_code == 401
        assert reached == []
        signed = {scheme.header: scheme.signature(CONNECTION.secret, body)}
        assert (await client.post(f"/{CONNECTION.name}", headers=signed, content=body)).status_code == 200
    assert reached == [1]


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
            assert ("security" in operation) == (operation["operationId"] not in PUBLIC | SIGNED)
            if operation["operationId"] in SIGNED:
                assert {"401", "404"} <= operation["responses"].keys()
            elif operation["operationId"] not in PUBLIC:
                assert {"401", "403"} <= operation["responses"].keys()
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)
