"""A rule's states after the rule was replaced: what they left open is closed by the version that follows, then they are pruned. Pure.

A version that goes on with its predecessor's states needs none of this: what it does not find any more it takes back. One that
keeps other states, or gives its alerts other ids, lists the old states here, or its predecessor's alerts would stay open until
somebody answers them. They are looked at by the first tick that a worker of the new version sees.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from contracts.events.alerts import AlertChanged, Evidence
from contracts.events.registry import ALERT_CHANGED
from contracts.identifiers import transition_id
from processors.rules.alerting import Speaker
from processors.rules.rule import Decision, Derived, Entity, Happening, Kind, Occurred, Recounted, State, View


@dataclass(frozen=True, slots=True)
class Left:
    """An alert that stood when its rule was replaced, as it was told last; `transition` is the number of that telling."""

    alert_id: UUID
    transition: int
    subject: str
    stage: Literal["provisional", "confirmed"]
    severity: Literal["low", "medium", "high"]
    window_start: datetime
    window_end: datetime
    business_date: str | None = None


@dataclass(frozen=True, slots=True)
class Retired:
    """A rule that sees no event and keeps nothing: `left` reads what stood from a store's old state of a name."""

    kind: Kind
    successor: Speaker
    left: Callable[[str, str, State], Iterable[Left]]

    event_types = frozenset[str]()

    @property
    def name(self) -> str:
        """The rule that speaks the last words: its successor."""
        return self.successor.rule

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What the predecessor kept."""
        return (self.kind,)

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:  # noqa: ARG002 - as every rule
        """Return nothing: no event concerns it any more."""
        return ()

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Close what stood, and prune the state."""
        if state is None:
            return Decision(None)
        at = view.clock or (happening.event if isinstance(happening, Occurred) else happening.cause).envelope.occurred_at
        return Decision(None, [self._closed(each, at, view.store_id) for each in self.left(view.store_id, entity.name, state)])

    def _closed(self, left: Left, at: datetime, store_id: str) -> Derived:
        rule, version = self.successor.rule, self.successor.version
        content = AlertChanged(
            alert_id=left.alert_id,
            transition=left.transition + 1,
            rule=rule,
            rule_version=version,
            policy_version=0,
            status="orphaned",
            stage=left.stage,
            severity=left.severity,
            subject=left.subject,
            window_start=left.window_start,
            window_end=left.window_end,
            summary=f"Closed, for version {version} of {rule} judges {left.subject} anew",
            evidence=Evidence(observed=f"version {version} of {rule} runs", expected="the version that raised the alert"),
        )
        return Derived(
            ALERT_CHANGED, transition_id(left.alert_id, content.transition), at, content, left.subject, left.business_date, store_id
        )
