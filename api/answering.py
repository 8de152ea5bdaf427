"""From a person's word on an alert to an event on the log, by the one way in.

An answer has one identity: that of the idempotency key, or a minted one. The log decides what was said first under it: a retry
is answered with the place of the first, also where its bytes differ (a retry comes later, and may find a later transition).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from api.edge.documents import Document
from api.errors import ApiError
from api.schemas.alerts import AnswerTaken, GivenAnswer
from api.schemas.events import ItemResult, PositionBody
from contracts.codec import decode
from contracts.envelope import Event
from contracts.events.alerts import AlertAnswered
from contracts.events.registry import ALERT_ANSWERED
from contracts.fields import Model, PersonRef
from contracts.identifiers import derived_id
from infra.addresses import Addresses
from infra.kafka.consumer import Partition, Record, read_range
from projections.read_models.open_alerts.reader import AlertRow, StageProgress

_PERSON: Final[TypeAdapter[str]] = TypeAdapter(PersonRef)
_EARLIER, _AHEAD = timedelta(days=1), timedelta(minutes=5)
_UUID7 = 7
_READ_SECONDS = 10.0

Accept = Callable[[Document], Awaitable[ItemResult]]
"""Bring one document to the log and say what became of it."""
ReadEvent = Callable[[PositionBody], Awaitable[Event[Model]]]
"""Return the event at a place of the log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said, about which alert, by whom (a subject of a chain), under which identity and when."""

    alert: AlertRow
    given: GivenAnswer
    by: str
    event_id: UUID
    at: datetime

    def document(self) -> dict[str, Any]:
        """Return the event as a till would post it."""
        data = {
            "alert_id": str(self.alert.alert_id),
            "rule": self.alert.rule,
            "subject": self.alert.subject,
            "answer": self.given.answer,
            "by": self.by,
            "note": self.given.note,
            "transition": self.given.transition or self.alert.transition,
        }
        return {
            "specversion": "1.0",
            "id": str(self.event_id),
            "source": "api/alerts",
            "type": ALERT_ANSWERED,
            "time": self.at.isoformat(),
            "storeid": self.alert.store_id,
            "data": {name: value for name, value in data.items() if value is not None},
        }

    def is_said_by(self, event: Event[Model]) -> bool:
        """Tell whether an event says the same, however much earlier."""
        said = event.data
        if not isinstance(said, AlertAnswered):
            return False
        return (said.alert_id, said.answer, said.note, said.by) == (self.alert.alert_id, self.given.answer, self.given.note, self.by)


async def give(answer: Answer, accept: Accept, read_event: ReadEvent) -> AnswerTaken:
    """Bring an answer to the log; ApiError when it is refused, or when it may or may not be there.

    Nobody has seen a transition that is not there: as the newest seen, it would count the next ones as seen before they come.
    """
    if answer.given.transition is not None and answer.given.transition > answer.alert.transition:
        raise ApiError("invalid_request", f"the alert has no transition {answer.given.transition} yet")
    result = await accept(answer.document())
    first = result.position if any(row.code == "conflicting_duplicate" for row in result.problems) else None
    if first is not None and answer.is_said_by(await read_event(first)):
        return AnswerTaken(event_id=answer.event_id, outcome="duplicate", position=first)
    rows = {"results": [result.model_dump(mode="json", exclude_none=True)]}
    if result.outcome == "unacknowledged":
        raise ApiError("not_durable", f"answer again with the Idempotency-Key {answer.event_id}", rows)
    if result.outcome == "rejected":
        raise ApiError("events_rejected", "the answer was refused", rows)
    return AnswerTaken(event_id=answer.event_id, outcome=result.outcome, position=result.position)


def identity_of(key: str, alert_id: UUID, by: str) -> UUID:
    """Return the event id that an idempotency key stands for: itself where it is a UUID."""
    try:
        return UUID(key)
    except ValueError:
        return derived_id("answer", str(alert_id), by, key)


def time_of(event_id: UUID, now: datetime) -> datetime:
    """Return when an answer was given: the time in its id where that is one and near, so that a retry has the same bytes."""
    minted = (event_id.int >> 80) / 1000
    is_near = (now - _EARLIER).timestamp() <= minted <= (now + _AHEAD).timestamp()  # of a far one there may be no such date
    return datetime.fromtimestamp(minted, UTC) if event_id.version == _UUID7 and is_near else now


def given_at(event_id: UUID, time: Literal["live", "simulated"], progress: Sequence[StageProgress], now: datetime) -> datetime:
    """Return when an answer is given: where time is simulated, when it is for the rules, who hear of it."""
    return time_of(event_id, now) if time == "live" else present(time, progress, now)


def present(time: Literal["live", "simulated"], progress: Sequence[StageProgress], now: datetime) -> datetime:
    """Return what time it is for people: that of the rules over stores where time is simulated and they have spoken."""
    clocks = [row.clock for row in progress if row.stage == "stores"]
    return now if time == "live" or not clocks else clocks[0]


def opaque(subject: str, tenant_id: str) -> str:
    """Return the id of a person for the log: the subject of their token, or one derived from it where it identifies a person."""
    try:
        return _PERSON.validate_python(subject)
    except ValidationError:
        return str(derived_id("person", tenant_id, subject))


def reader_of(addresses: Addresses) -> ReadEvent:
    """Return what reads single events from the log; 503 when the log does not answer."""

    async def read(at: PositionBody) -> Event[Model]:
        found: list[Record] = []
        part = Partition(at.topic, at.partition)
        span = {part: at.offset}, {part: at.offset + 1}
        try:
            async with asyncio.timeout(_READ_SECONDS):
                await read_range(addresses.kafka_bootstrap, *span, lambda _, records: found.extend(records), addresses.topic_prefix)
        except (RuntimeError, TimeoutError, OSError) as error:  # errors of the Kafka client are RuntimeErrors
            raise ApiError("log_unavailable", "the log does not say what was answered first under this key") from error
        return decode(found[0])

    return read
