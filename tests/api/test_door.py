"""The short way to the edge asks for everything that the long way asks for, and lets all else pass."""

import httpx
import pytest

from api.app import create_app
from api.routes import events
from api.security.tokens import issue_token
from infra.addresses import Addresses
from tests.api.events import TENANT, sale
from tests.api.running import KEY, config

NOWHERE = Addresses("127.0.0.1:1", "postgresql://127.0.0.1:1/none", "http://127.0.0.1:1", "none")
TOKEN = {"Authorization": "Bearer " + issue_token(KEY, subject="t", role="hq", tenant=TENANT, stores=("*",))}


@pytest.fixture
async def client():
    """Reach an app of which nothing is opened: what is refused here is refused before any store or broker is asked."""
    transport = httpx.ASGITransport(create_app(config(NOWHERE)))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as found:
        yield found


async def test_without_a_valid_token_nothing_is_read(client):
    """No token and a bad token: problem documents with their codes, as on every route."""
    refused = [await client.post("/v1/events", json=sale("A", 1), headers=headers) for headers in ({}, {"Authorization": "Bearer x"})]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(401, "unauthenticated"), (401, "token_invalid")]
    assert {answer.headers["www-authenticate"] for answer in refused} == {"Bearer"}


async def test_what_the_endpoint_refuses_is_a_problem_document(client):
    """Its errors become answers here too."""
    form = await client.post("/v1/events", content=b"a=b", headers=TOKEN | {"Content-Type": "application/x-www-form-urlencoded"})
    early = await client.post("/v1/events", json=sale("A", 1), headers=TOKEN)
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
    assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (503, "stores_unknown", "2")


async def test_other_methods_and_paths_take_the_long_way(client):
    """They are answered by the routes, or by their absence."""
    answers = [await client.get("/v1/events", headers=TOKEN), await client.post("/v1/events/", json=[], headers=TOKEN)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(405, "method_not_allowed"), (404, "not_found")]


async def test_posts_are_counted_under_their_route(client):
    """The short way is no blind spot of the metrics."""
    app = create_app(config(NOWHERE))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as other:
        await other.post("/v1/events", json=sale("A", 1))
    assert b'tillstream_api_requests_total{route="post_events",status="401"} 1.0' in app.state.resources.metrics.text()


def test_the_long_way_leads_to_the_same_endpoint():
    """The declared route and the short way cannot drift apart: there is one function."""
    assert [route.endpoint for route in events.router.routes] == [events.post_events]
