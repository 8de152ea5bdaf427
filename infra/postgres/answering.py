"""A connection to Postgres that does not wait for ever: a server that hangs, or a lock that nobody gives back, is an error after a while.

No setting of the server helps against a server that hangs, and none of the network against one whose kernel still answers.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from psycopg import AsyncConnection, OperationalError
from psycopg.abc import RV, PQGen
from psycopg.errors import ConnectionTimeout
from psycopg.pq import TransactionStatus

_INTERVAL_SECONDS: Final = 0.1
_CANCEL_SECONDS: Final = 5.0


def answering_within(seconds: float) -> Callable[..., Awaitable[AsyncConnection[Any]]]:
    """Return what connects, like psycopg, and makes connections on which each answer may take so long.

    OperationalError when it does not come; the statement is cancelled where the server still listens, and the connection closed.
    """

    class Answering(AsyncConnection[Any]):
        async def wait(self, gen: PQGen[RV], interval: float = _INTERVAL_SECONDS, timeout: float | None = None) -> RV:  # noqa: ASYNC109
            if timeout is not None:
                return await super().wait(gen, interval, timeout)
            try:
                return await super().wait(gen, interval, seconds)
            except OperationalError as error:
                if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                    raise  # it is an answer
                with suppress(OperationalError):
                    await self.cancel_safe(timeout=min(seconds, _CANCEL_SECONDS))
                await self.close()
                raise OperationalError(f"Postgres did not answer within {seconds:g} s") from error

    async def connect(*place: Any, **settings: Any) -> AsyncConnection[Any]:
        try:
            return await Answering.connect(*place, **settings)
        except ConnectionTimeout as error:
            raise OperationalError(f"Postgres did not answer within {settings.get('connect_timeout')} s, when asked to connect") from error

    return connect
