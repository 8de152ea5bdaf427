"""A proxy before ClickHouse that misbehaves when it is told to: slow, silent, refusing, or cut off when the work is done."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from aiohttp import ClientSession, web
from sqlalchemy import make_url

Kind = Literal["slow", "silent", "refusing", "cut"]

_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
_START_SECONDS = 10.0


@dataclass(frozen=True)
class Fault:
    """What is wrong: every answer comes late or never, or inserts are refused with a code, or are done and not answered."""

    kind: Kind
    seconds: float = 0.0
    code: int = 0
    words: str = ""


READ_ONLY = Fault("refusing", code=242, words="Table is in readonly mode (TABLE_IS_READ_ONLY)")
NOT_ALLOWED = Fault("refusing", code=164, words="Cannot execute query in readonly mode (READONLY)")
OUT_OF_MEMORY = Fault("refusing", code=241, words="memory limit exceeded (MEMORY_LIMIT_EXCEEDED)")
SLOW = Fault("slow", seconds=0.2)
SILENT = Fault("silent")
CUT = Fault("cut")


class Proxy:
    """Forwards requests, and counts those that met the fault."""

    def __init__(self, upstream: str) -> None:
        self._upstream = make_url(upstream)
        self.fault: Fault | None = None
        self.met = 0
        self.url = upstream

    async def serve(self, ready: threading.Event, end: asyncio.Event) -> None:
        """Answer until the end."""
        app = web.Application(client_max_size=2**28)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        async with ClientSession(auto_decompress=False) as self._session:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            self.url = self._upstream.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
            ready.set()
            await end.wait()
            self.fault = None
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self.fault
        is_insert = "INSERT" in request.query.get("query", "").upper() or body[:200].lstrip().upper().startswith(b"INSERT")
        if fault is not None and (is_insert or fault.kind in {"slow", "silent"}):
            self.met += 1
            if fault.kind == "refusing":
                said = f"Code: {fault.code}. DB::Exception: {fault.words}"
                return web.Response(status=500, text=said, headers={"X-ClickHouse-Exception-Code": str(fault.code)})
            await self._endure(fault)
        answer = await self._forwarded(request, body)
        if fault is not None and (fault.kind == "silent" or (is_insert and fault.kind == "cut")):
            assert request.transport is not None
            request.transport.abort()
        return answer

    async def _endure(self, fault: Fault) -> None:
        await asyncio.sleep(fault.seconds)
        while fault.kind == "silent" and self.fault is fault:  # noqa: ASYNC110 - another thread ends it
            await asyncio.sleep(0.05)

    async def _forwarded(self, request: web.Request, body: bytes) -> web.Response:
        address = f"http://{self._upstream.host}:{self._upstream.port}{request.rel_url}"
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        async with self._session.request(request.method, address, data=body, headers=headers) as found:
            content = await found.read()
            passed = {name: value for name, value in found.headers.items() if name.lower() not in _HOP}
            return web.Response(status=found.status, body=content, headers=passed)


@contextmanager
def proxy_before(url: str) -> Iterator[Proxy]:
    """Run a proxy in a thread of its own."""
    proxy, ready, loops = Proxy(url), threading.Event(), list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    async def work() -> None:
        end = asyncio.Event()
        loops.append((asyncio.get_running_loop(), end))
        await proxy.serve(ready, end)

    thread = threading.Thread(target=lambda: asyncio.run(work()), daemon=True)
    thread.start()
    assert ready.wait(_START_SECONDS)
    try:
        yield proxy
    finally:
        loop, end = loops[0]
        loop.call_soon_threadsafe(end.set)
        thread.join(_START_SECONDS)
