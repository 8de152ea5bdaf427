"""From the `POST` of a sale to its being counted in the KPI answer, at 250 and at 500 single events a second.

One store gets all sales of one rate, evenly spread. A reader asks the KPI ten times a second; sale number n (by time of
sending) is visible at the first answer that counts n sales. So a figure includes the wait for the next answer. The client
runs on the same machine as everything else.
"""

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

import aiohttp

from infra.clock import new_event_id
from tests.benchmarks.results import Metric
from tests.command_line import run_process
from tests.waiting import until
from tests.whole_stack import WholeStack, whole_stack

RATES = (250, 500)
SECONDS = 20
WARM_UP_SECONDS = 2
READER_PAUSE_SECONDS = 0.1


def _sale(store_id: str, number: int) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": str(new_event_id()),
        "source": "benchmark",
        "type": "sale.completed.v1",
        "time": datetime.now(UTC).isoformat(),
        "tenantid": "demo",
        "storeid": store_id,
        "data": {
            "receipt_id": f"B{number}",
            "currency": "KRW",
            "lines": [{"line": n, "sku": f"SKU-{n}", "quantity": "1", "unit_price": "1000", "gross": 1000} for n in range(1, 5)],
        },
    }


async def _post(session: aiohttp.ClientSession, store_id: str, number: int, sent: list[float], took: list[float]) -> None:
    sent[number] = began = time.perf_counter()
    async with session.post("/v1/events", json=_sale(store_id, number)) as answer:
        body = await answer.json()
        if answer.status != 200 or body["accepted"] != 1:
            raise RuntimeError(f"{answer.status}: {body}")
    took[number] = time.perf_counter() - began


async def _send(session: aiohttp.ClientSession, store_id: str, rate: int, sent: list[float], took: list[float]) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(len(sent)):
            delay = began + number / rate - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            group.create_task(_post(session, store_id, number, sent, took))


async def _watch(session: aiohttp.ClientSession, store_id: str, expected: int) -> list[tuple[float, int]]:
    today = datetime.now(UTC).date()
    window = {"from": str(today.replace(day=1)), "until": f"{today.year + 1}-01-01", "store": store_id, "group_by": "store"}
    seen: list[tuple[float, int]] = []
    count = 0
    while count < expected:
        async with session.get("/v1/kpis/sales", params=window) as answer:
            body = await answer.json()
        rows = body["rows"]
        count = rows[0]["transactions"] if rows else 0
        seen.append((time.perf_counter(), count))
        await asyncio.sleep(READER_PAUSE_SECONDS)
    return seen


def _latencies(sent: list[float], seen: list[tuple[float, int]]) -> list[float]:
    """Match the nth sale by time of sending with the first answer that counts n sales."""
    ordered, found, place = sorted(sent), [], 0
    for at, count in seen:
        while place < min(count, len(ordered)):
            found.append(at - ordered[place])
            place += 1
    return found


async def _measured(stack: WholeStack, store_id: str, rate: int) -> tuple[list[float], list[float]]:
    warm_up, total = rate * WARM_UP_SECONDS, rate * (SECONDS + WARM_UP_SECONDS)
    sent, took = [0.0] * total, [0.0] * total
    connector = aiohttp.TCPConnector(limit=64)
    headers = {"Authorization": f"Bearer {stack.token('hq')}"}
    async with aiohttp.ClientSession(stack.api_url, headers=headers, connector=connector) as session:
        watching = asyncio.create_task(_watch(session, store_id, total))
        await _send(session, store_id, rate, sent, took)
        seen = await asyncio.wait_for(watching, 60)
    return _latencies(sent, seen)[warm_up:], took[warm_up:]


def _metrics(rate: int, visible: list[float], acknowledged: list[float]) -> list[Metric]:
    return [
        Metric(f"{what} at {rate} events/s, p{percent}", round(quantiles(values, n=100)[percent - 1] * 1000, 1), "ms")
        for what, values in (("from POST to the KPI answer", visible), ("POST acknowledged", acknowledged))
        for percent in (50, 99)
    ]


def measure() -> list[Metric]:
    """Post to a whole stack with live time, one store a rate."""
    found: list[Metric] = []
    with tempfile.TemporaryDirectory() as folder, whole_stack(Path(folder) / "stack", "live") as stack:
        run_process("simulate", "--stores", str(len(RATES)), "--days", "1", "--data-dir", str(stack.data_dir))
        with stack.client() as client:
            stores = until(
                lambda: rows if len(rows := client.get("/v1/stores").json()["rows"]) == len(RATES) else [], 60, "the stores are known"
            )
        for rate, store in zip(RATES, stores, strict=True):
            found += _metrics(rate, *asyncio.run(_measured(stack, store["store_id"], rate)))
    return found
