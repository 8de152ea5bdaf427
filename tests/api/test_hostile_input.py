"""Whatever is sent, the server is never at fault, neighbours are never lost, and memory stays bounded."""

import gzip
import json
import os
import random
from pathlib import Path

import httpx
import pytest
import schemathesis
import zstandard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.api.events import sale
from tests.api.running import ServedApi
from tests.examples import examples

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

MIB = 1024 * 1024
ENDLESS = "/v1/alerts/stream"
HONEST = {503, 507}
"""The server may say that it is busy or that a part is away; it may not fail."""
QUICK = settings(
    max_examples=examples(2),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_no_request_that_the_document_allows_or_forbids_is_the_servers_fault(api: ServedApi) -> None:
    """Every operation of the OpenAPI document, with good and with odd parameters and bodies: answers are those that it declares."""
    schema = schemathesis.openapi.from_url(f"{api.url}/openapi.json")
    headers = dict(api.client().headers)
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == ENDLESS:
            continue

        @QUICK
        @given(case=operation.as_strategy())
        def attempt(case: schemathesis.Case) -> None:
            response = case.call(headers={"Authorization": headers["authorization"]}, timeout=30)
            if response.status_code not in HONEST:
                case.validate_response(
                    response,
                    checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance],
                )

        attempt()
        tried.add(operation.label)

    assert len(tried) >= 10


JSON = {"Content-Type": "application/json"}


@QUICK
@given(junk=st.binary(max_size=2_000), kind=st.sampled_from(["application/json", "application/x-ndjson", "application/cloudevents+json"]))
def fuzz(client: httpx.Client, junk: bytes, kind: str) -> None:
    """Post bytes that mean nothing."""
    answer = client.post("/v1/events", content=junk, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500, answer.text


def test_bytes_that_mean_nothing_are_refused(api: ServedApi) -> None:
    """Random bytes, also such that are no UTF-8, under every media type."""
    fuzz(api.client())


def damaged(document: dict, rng: random.Random) -> object:
    """Damage a good event somewhere."""
    text = json.dumps(document)
    at, what = rng.randrange(len(text)), rng.choice(['"', "{", "]", "\\u0000", "\\ud800", "9" * 400, "null", "1e999", "-", " "])
    try:
        return json.loads(text[:at] + what + text[at + rng.randrange(4) :])
    except ValueError:
        return {"data": text[:at]}


def test_a_damaged_event_never_costs_its_neighbours(api: ServedApi) -> None:
    """Two hundred events, each damaged at random, each between two good ones: all good ones are accepted."""
    rng = random.Random(20260302)
    client = api.client("manager", "A")
    for start in range(0, 200, 50):
        batch = [item for n in range(start, start + 50) for item in (sale("A", f"good-{n}"), damaged(sale("A", f"bad-{n}"), rng))]
        answer = client.post("/v1/events", content=json.dumps(batch), headers=JSON)
        assert answer.status_code in {200, 207}, answer.text
        outcomes = [row["outcome"] for row in answer.json()["results"]]
        assert set(outcomes[::2]) == {"accepted"}


BODIES = {
    "five megabytes of spaces": (b" " * (5 * MIB), {}, {413}),
    "five megabytes of one string": (b'["' + b"x" * (5 * MIB) + b'"]', {}, {413}),
    "bad UTF-8": (b'[{"id": "\xff\xfe"}]', {}, {400}),
    "deep lists": (b"[" * 100_000 + b"]" * 100_000, {}, {400}),
    "deep objects": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, {}, {400}),
    "a number of many digits": (b"[" + b"9" * 500_000 + b"]", {}, {422}),
    "many empty events": (json.dumps([{}] * 1_000).encode(), {}, {422}),
    "too many events": (json.dumps([{}] * 1_001).encode(), {}, {413}),
    "a gzip bomb": (gzip.compress(bytes(100 * MIB)), {"Content-Encoding": "gzip"}, {413}),
    "a zstd bomb": (zstandard.ZstdCompressor().compress(bytes(900 * MIB)), {"Content-Encoding": "zstd"}, {413}),
    "half a gzip body": (gzip.compress(b"[]" * 100)[:20], {"Content-Encoding": "gzip"}, {400}),
    "gzip in gzip": (gzip.compress(gzip.compress(b"[]")), {"Content-Encoding": "gzip"}, {400}),
    "an unknown encoding": (b"[]", {"Content-Encoding": "br"}, {415}),
}


def test_a_hostile_body_is_refused_and_the_next_post_passes(api: ServedApi) -> None:
    """Large, deep, torn or packed beyond measure: a precise refusal, and nobody else notices."""
    client = api.client("manager", "A")
    for name, (body, headers, expected) in BODIES.items():
        answer = client.post("/v1/events", content=body, headers={**JSON, **headers})
        assert answer.status_code in expected, (name, answer.text[:500])
        assert answer.headers["content-type"] == "application/problem+json", name
        assert client.post("/v1/events", json=[sale("A", name)]).json()["accepted"] == 1, name


def resident_mib() -> float:
    """Return the memory of this process, which serves the API in a thread."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def test_hostile_bodies_leave_no_memory_behind(api: ServedApi) -> None:
    """A hundred of them in a row cost less than they weigh together by far."""
    client = api.client("manager", "A")
    for _ in range(2):
        for body, headers, _expected in BODIES.values():
            client.post("/v1/events", content=body, headers={**JSON, **headers})
    before = resident_mib()
    for _ in range(8):
        for body, headers, _expected in BODIES.values():
            client.post("/v1/events", content=body, headers={**JSON, **headers})
    assert resident_mib() - before < 64


def test_a_packed_batch_counts_like_a_plain_one(api: ServedApi) -> None:
    """Both encodings: the same events, the same outcomes."""
    client = api.client("manager", "A")
    for encoding, pack in (("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)):
        body = json.dumps([sale("A", f"{encoding}-{n}") for n in range(10)]).encode()
        answer = client.post("/v1/events", content=pack(body), headers={**JSON, "Content-Encoding": encoding})
        assert answer.json()["accepted"] == 10
