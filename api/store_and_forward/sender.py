"""Sends what waits, oldest first, one batch at a time; removes only what the centre says it has.

A batch that was sent and not seen to be answered is sent again under the same ids, which the centre recognises.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from random import Random

import structlog

from api.store_and_forward.buffer import Buffer, Waiting
from api.store_and_forward.centre import Centre, TokenUnreadable, read_token
from api.store_and_forward.config import EdgeConfig
from api.store_and_forward.pace import Pace
from api.store_and_forward.verdict import Judged, NotAsOne, TokenRefused, Unavailable
from api.store_and_forward.writer import Writer
from infra.clock import monotonic_seconds, utc_now

_log = structlog.get_logger(__name__)
_LARGE_BYTES = 64 * 1024
"""A smaller event that something on the way calls too large is not at fault: nothing of a common size is set aside for that."""


class Sender:
    """Use `start`, `wake` when something was buffered, and `close`."""

    def __init__(self, config: EdgeConfig, writer: Writer) -> None:
        self._config = config
        self._writer = writer
        self._centre = Centre(config.centre, config.send_timeout_seconds)
        self._pace = Pace(config.pace)
        self._draw = Random().random  # noqa: S311 - spreads attempts, keeps no secret
        self._refused_token: str | None = None
        self._refused_until = 0.0
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to send; returns at once."""
        self._task = asyncio.create_task(self._run(), name="edge-sender")

    def wake(self) -> None:
        """Say that something waits."""
        self._wake.set()

    async def close(self) -> None:
        """Let the batch under way come to its end for a while; what is left is sent after the next start."""
        self._stop.set()
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=self._config.stop_grace_seconds)
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._centre.close()

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                pause = await self._attempt()
            except Exception as error:  # noqa: BLE001 - outermost loop: whatever it was, the till is served and sending is tried again
                _log.error("sending_failed", error=repr(error))
                pause = self._failed()
            if pause is None:
                await self._rest(self._wake, self._config.idle_seconds)
            elif pause > 0:
                await self._rest(self._stop, pause)

    async def _rest(self, until: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await until.wait()

    async def _attempt(self) -> float | None:
        """Send one batch; return the seconds to wait, None when nothing waits."""
        self._wake.clear()
        batch = await self._writer.run(lambda buffer: buffer.oldest(self._pace.batch_events, self._pace.batch_bytes))
        if not batch:
            return None
        try:
            token = read_token(self._config.token_file)
        except TokenUnreadable as error:
            return await self._not_sent(str(error), needs_token=True)
        if token == self._refused_token and monotonic_seconds() < self._refused_until:
            return self._config.idle_seconds
        return await self._send(batch, token)

    async def _send(self, batch: Sequence[Waiting], token: str) -> float:
        self._config.reach("sending")
        verdict = await self._centre.post(batch, token, utc_now())
        match verdict:
            case Judged():
                return await self._settle(batch, verdict)
            case TokenRefused():
                if verdict.as_a_whole:
                    self._refused_token, self._refused_until = token, monotonic_seconds() + self._config.token_hold_seconds
                return await self._not_sent(f"the token is refused: {verdict.reason}", needs_token=True)
            case NotAsOne():
                return await self._send_less(batch, verdict)
            case Unavailable():
                return await self._not_sent(verdict.reason, retry_after_seconds=verdict.retry_after_seconds)

    async def _settle(self, batch: Sequence[Waiting], verdict: Judged) -> float:
        self._config.reach("sent")
        taken = [batch[index].sequence for index in verdict.taken]
        refused = {batch[index].sequence: problems for index, problems in verdict.refused.items()}
        now = utc_now()

        def settle(buffer: Buffer) -> None:
            buffer.remove(taken)
            buffer.refuse(refused, now)
            if taken or refused:
                buffer.note_contact(now)

        await self._writer.run(settle)
        self._config.reach("removed")
        _log.info("batch_sent", taken=len(taken), refused=len(refused), open=len(batch) - len(taken) - len(refused))
        if len(taken) + len(refused) < len(batch):
            return await self._not_sent("the centre has not acknowledged every event", retry_after_seconds=verdict.retry_after_seconds)
        self._pace = self._pace.succeeded()
        return 0.0

    async def _send_less(self, batch: Sequence[Waiting], verdict: NotAsOne) -> float:
        """Halve the batch; an event that is refused even alone is set aside, so that it blocks nobody."""
        self._pace = self._pace.smaller()
        if len(batch) > 1 and verdict.suspect != "time":
            return 0.0
        if verdict.suspect == "content" or (verdict.suspect == "size" and len(batch[0].body) > _LARGE_BYTES):
            problem = {"code": verdict.code, "pointer": "", "expected": verdict.detail}
            return await self._settle(batch[:1], Judged(frozenset(), {0: [problem]}))
        return await self._not_sent(f"{verdict.code}: {verdict.detail}")

    async def _not_sent(self, reason: str, needs_token: bool = False, retry_after_seconds: float | None = None) -> float:
        _log.warning("batch_not_sent", reason=reason, needs_token=needs_token, attempt=self._pace.failures + 1)
        now = utc_now()
        await self._writer.run(lambda buffer: buffer.note_error(reason, needs_token, now))
        return self._failed(retry_after_seconds)

    def _failed(self, retry_after_seconds: float | None = None) -> float:
        self._pace = self._pace.failed()
        return self._pace.pause_seconds(self._draw, retry_after_seconds)
