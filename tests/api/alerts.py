"""Alert transitions as rule workers write them, and a reader of server-sent events."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from contracts.codec import build_event, encode
from contracts.envelope import Envelope
from contracts.events.alerts import AlertChanged, Evidence
from contracts.events.control import RuleProgressed
from contracts.identifiers import alert_id, transition_id
from contracts.records import OutboundRecord
from contracts.topics import ALERTS
from infra.addresses import Addresses
from infra.kafka.publisher import Position, Publisher
from tests.api.events import TENANT

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def transition(store: str, subject: str, number: int, **changed: Any) -> OutboundRecord:
    """Make the nth transition of an alert about a subject."""
    identity = alert_id("no_show", store, subject, "w")
    alert = AlertChanged(
        alert_id=identity,
        transition=number,
        rule="no_show",
        rule_version=1,
        policy_version=0,
        status="raised" if number == 1 else "updated",
        stage="provisional",
        severity="medium",
        subject=subject,
        window_start=MORNING,
        window_end=MORNING,
        summary=f"{subject} did not come",
        evidence=Evidence(observed="no punch", expected="a punch by 09:10"),
    )
    envelope = Envelope(
        id=transition_id(identity, number),
        source="rules/no_show",
        type="alert.changed.v1",
        occurred_at=MORNING,
        tenant_id=TENANT,
        store_id=store,
    )
    return encode(build_event(envelope, alert.model_copy(update=changed)), ALERTS)


def progress(partition: int) -> OutboundRecord:
    """Make a progress report of a rule worker, which is no alert."""
    report = RuleProgressed(partition=partition, next_offset=7, clock=MORNING)
    identity = transition_id(alert_id("progress", "*", str(partition), "w"), 1)
    envelope = Envelope(id=identity, source="rules", type="rule.progressed.v1", occurred_at=MORNING, tenant_id=TENANT, store_id="*")
    return encode(build_event(envelope, report), ALERTS, partition)


async def publish(addresses: Addresses, records: Iterable[OutboundRecord]) -> list[Position]:
    """Write records to the log, one after another where their order matters."""
    async with Publisher(addresses.kafka_bootstrap, "tests", addresses.topic_prefix) as publisher:
        return await publisher.publish_all(list(records))


@dataclass
class Heard:
    """What a stream has sent so far."""

    alerts: list[dict] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    last_id: str | None = None
    is_over: bool = False

    def take(self, lines: Iterable[str]) -> None:
        """Read messages until the stream ends."""
        event: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
                continue
            self.last_id = event.get("id", self.last_id)
            if event.get("event") == "alert":
                self.alerts.append(json.loads(event["data"]))
                self.ids.append(event["id"])
            event = {}
        self.is_over = True

    def what(self) -> list[tuple[str, str, int]]:
        """Return store, subject and number of each alert heard."""
        return [(row["store_id"], row["subject"], row["transition"]) for row in self.alerts]


@contextmanager
def listening(client: httpx.Client, last_event_id: str | None = None, **parameters: str) -> Iterator[Heard]:
    """Listen in a thread while the body runs; the connection is cut at the end, as by a network."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    heard = Heard()
    with client.stream("GET", "/v1/alerts/stream", headers=headers, params=parameters, timeout=10.0) as response:
        assert response.status_code == 200, response.read()

        def listen() -> None:
            try:
                heard.take(response.iter_lines())
            except httpx.HTTPError:
                heard.is_over = True

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield heard
        response.extensions["network_stream"].get_extra_info("socket").shutdown(2)
        thread.join(10)
