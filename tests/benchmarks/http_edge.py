"""The HTTP edge with durable acknowledgement: one API process, batches of 100 and single events, beside a bare producer.

The broker, Postgres and the API run as they do in a stack; no rule and no read model runs beside, for what is measured is
the edge. The bare producer sends the bytes that the edge wrote, through the same client library, idempotent, `acks=all`.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
import msgspec
from aiokafka import AIOKafkaProducer

from api.security.tokens import issue_token
from contracts.records import RawRecord
from contracts.topics import STORE_FACTS
from infra.addresses import Addresses
from infra.clock import new_event_id
from infra.embedded.stack import running_stack
from tests.api.running import KEY, ServedApi
from tests.api.world import define_stores
from tests.benchmarks.results import Metric
from tests.places import migrated_template, new_place
from tests.projections.clickhouse.driving import whole_log
from tests.waiting import until

BATCH = 100
BATCHES = 300
ROUNDS = 3
IN_FLIGHT = 4
RATE = 500
SECONDS = 20
MEMORY_EVENTS = 1_000_000


def _sale(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(new_event_id()),
        "source": "benchmark",
        "type": "sale.completed.v1",
        "time": datetime.now(UTC).isoformat(),
        "storeid": "A" if number % 2 else "B",
        "data": {
            "receipt_id": f"B{number}",
            "currency": "KRW" if number % 2 else "GBP",
            "lines": [
                {"line": n, "sku": f"SKU-{n}", "quantity": "1", "unit_price": "10", "gross": 10 if number % 2 else 1000}
                for n in range(1, 5)
            ],
        },
    }


def _bodies(batches: int) -> list[bytes]:
    return [json.dumps([_sale(n) for n in range(BATCH)]).encode() for _ in range(batches)]


class _Told(msgspec.Struct):
    """What the client reads of an answer."""

    accepted: int


def _requests(url: str, bodies: Iterable[bytes]) -> list[bytes]:
    """Write whole requests: the client that measures must not be what is measured."""
    head = f"POST /v1/events HTTP/1.1\r\nHost: {url.removeprefix('http://')}\r\nAuthorization: Bearer {_token()}\r\n"
    form = "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    return [(head + form.format(len(body))).encode() + body for body in bodies]


async def _post_all(url: str, bodies: Sequence[bytes]) -> float:
    """Post the bodies, a few at a time, and return the events per second."""
    host, port = url.removeprefix("http://").split(":")
    waiting = _requests(url, bodies)

    async def post() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while waiting:
            writer.write(waiting.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            body = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 200 ") or msgspec.json.decode(body, type=_Told).accepted != BATCH:
                raise RuntimeError(f"{head!r}: {body!r}")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(post() for _ in range(IN_FLIGHT)))
    return len(bodies) * BATCH / (time.perf_counter() - began)


def _token() -> str:
    return issue_token(KEY, subject="benchmark", role="hq", tenant="demo", stores=("*",))


def _session(url: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {_token()}", "Content-Type": "application/json"})


async def _bare(addresses: Addresses, records: Sequence[RawRecord]) -> float:
    """Send the same bytes with the client library alone: batches of the same size, as many in flight."""
    producer = AIOKafkaProducer(bootstrap_servers=addresses.kafka_bootstrap, acks="all", enable_idempotence=True, max_batch_size=262_144)
    topic = f"{addresses.topic_prefix}{STORE_FACTS}"
    batches = [records[start : start + BATCH] for start in range(0, len(records), BATCH)]

    async def send() -> None:
        while batches:
            futures = [await producer.send(topic, row.value, key=row.key, headers=row.headers) for row in batches.pop()]
            await asyncio.gather(*futures)

    await producer.start()
    try:
        began = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(IN_FLIGHT)))
        return len(records) / (time.perf_counter() - began)
    finally:
        await producer.stop()


async def _singles(url: str) -> list[float]:
    """Post single events at a steady rate and return how long each took, seconds; the first two seconds warm up."""
    took: list[float] = []
    total, bodies = RATE * (SECONDS + 2), []
    bodies = [json.dumps(_sale(n)).encode() for n in range(total)]

    async def post(session: aiohttp.ClientSession, body: bytes, due: float) -> None:
        async with session.post("/v1/events", data=body) as answer:
            if (await answer.json())["accepted"] != 1:
                raise RuntimeError(str(answer.status))
        took.append(time.perf_counter() - due)

    async with _session(url) as session, asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for number, body in enumerate(bodies):
            due = began + number / RATE
            if (delay := due - time.perf_counter()) > 0:
                await asyncio.sleep(delay)
            group.create_task(post(session, body, due))
    return took[2 * RATE :]


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _flatness(url: str, pid: int) -> list[Metric]:
    """Post a million events and compare the process's memory after a tenth of them with that at the end."""
    part = MEMORY_EVENTS // 10 // BATCH
    asyncio.run(_post_all(url, _bodies(part)))
    early = _resident_mib(pid)
    for _ in range(9):
        asyncio.run(_post_all(url, _bodies(part)))
    late = _resident_mib(pid)
    return [
        Metric("memory of the API process after 100,000 events", round(early), "MiB"),
        Metric("memory of the API process after 1,000,000 events", round(late), "MiB", "after 100,000 events", round(late / early, 2)),
    ]


def _measured(place: Addresses) -> list[Metric]:
    define_stores(place)
    command = [sys.executable, "-m", "tests.api.serving", json.dumps(asdict(place))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            until(ServedApi(url).is_ready, 30, "the API is ready")
            asyncio.run(_post_all(url, _bodies(30)))
            posted = [record for record in whole_log(place) if record.key in (b"A", b"B")][-BATCH * 30 :]
            records = [replace(record, headers=list(record.headers)) for record in posted]
            edge, bare = [], []
            for _ in range(ROUNDS):
                edge.append(asyncio.run(_post_all(url, _bodies(BATCHES))))
                bare.append(asyncio.run(_bare(place, records * (BATCHES // 30))))
            singles = [took * 1000 for took in asyncio.run(_singles(url))]
            memory = _flatness(url, process.pid)
        finally:
            process.terminate()
    cuts = quantiles(singles, n=100)
    return [
        Metric("bare aiokafka producer, the same bytes", round(median(bare)), "events/s"),
        Metric(
            f"through the HTTP edge, batches of {BATCH}",
            round(median(edge)),
            "events/s",
            "bare producer",
            round(median(map(float.__truediv__, edge, bare)), 2),
        ),
        Metric(f"single posts at {RATE} events/s, p50", round(cuts[49], 1), "ms"),
        Metric(f"single posts at {RATE} events/s, p99", round(cuts[98], 1), "ms"),
        *memory,
    ]


def measure() -> list[Metric]:
    """Serve the API on servers of its own and post to it."""
    with ExitStack() as opened:
        stack = opened.enter_context(running_stack(Path(opened.enter_context(tempfile.TemporaryDirectory()))))
        template = opened.enter_context(migrated_template(stack))
        return _measured(opened.enter_context(new_place(stack, template)))
