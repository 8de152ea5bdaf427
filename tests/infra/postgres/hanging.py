"""A way to Postgres on which nothing moves for a while, as before a server that hangs: connections stay open, nobody answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import make_url

_CHUNK_BYTES = 65_536


class Way:
    """Forwards bytes while it is open. `dsn`: the server by this way."""

    def __init__(self, dsn: str) -> None:
        self._server = make_url(dsn)
        self.dsn = dsn
        self.open = asyncio.Event()
        self.open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> asyncio.Server:
        """Begin to listen."""
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.dsn = self._server.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        return server

    def close(self) -> None:
        """Forward nothing any more."""
        for task in self._tasks:
            task.cancel()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.open.wait()
        upstream_reader, upstream_writer = await asyncio.open_connection(self._server.host, self._server.port)
        for source, sink in ((reader, upstream_writer), (upstream_reader, writer)):
            task = asyncio.create_task(self._forward(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await source.read(_CHUNK_BYTES):
                await self.open.wait()
                sink.write(chunk)
                await sink.drain()
        sink.close()


@asynccontextmanager
async def way_to(dsn: str) -> AsyncIterator[Way]:
    """Lead to a server while the body runs."""
    way = Way(dsn)
    server = await way.serve()
    try:
        yield way
    finally:
        way.open.set()
        way.close()
        server.close()
