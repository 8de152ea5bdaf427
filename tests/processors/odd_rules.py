"""Rules that only tests have, chosen by name beside the product's: some that speak of all they hear, one that refuses."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from contracts.events.alerts import AlertChanged, Evidence
from contracts.events.registry import ALERT_CHANGED, SALE_COMPLETED, SALES_OBSERVED
from contracts.identifiers import alert_id, derived_id, transition_id
from processors.fold import RULES_OF
from processors.rules.rule import Decision, Derived, Entity, Happening, Kind, Occurred, Recounted, Rule, State, View
from processors.stages import StageName
from tests.processors.observations import observation

POISON = "POISON"


class Heard(State, frozen=True, array_like=True):
    """How much was heard of a store, and a digest of it that depends on the order."""

    count: int = 0
    digest: str = ""


class Echo:
    """Counts all that it hears of a store and speaks at every nth: whatever is lost, or counted twice, or out of order, shows."""

    def __init__(self, name: str, event_type: str, every: int) -> None:
        self.name = name
        self.event_types = frozenset({event_type})
        self._heard = Kind(f"heard_by_{name}", Heard, 1, 0)
        self.kinds: tuple[Kind, ...] = (self._heard,)
        self._every = every

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:  # noqa: ARG002
        """Return one state a store."""
        return [Entity(self._heard, happening.event.store_id)] if isinstance(happening, Occurred) else []

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:  # noqa: ARG002
        """Count, and speak where it is time to."""
        assert isinstance(happening, Occurred)
        known, event = state if isinstance(state, Heard) else Heard(), happening.event
        heard = Heard(known.count + 1, derived_id(known.digest, str(event.id)).hex)
        number, left = divmod(heard.count, self._every)
        return Decision(heard, () if left else [self._said(entity.name, number, heard, event.envelope.occurred_at)])

    def _said(self, store: str, number: int, heard: Heard, at: datetime) -> Derived:
        identity = alert_id(self.name, store, store, "all")
        content = AlertChanged(
            alert_id=identity,
            transition=number,
            rule=self.name,
            rule_version=1,
            policy_version=0,
            status="raised" if number == 1 else "updated",
            stage="provisional",
            severity="low",
            subject=store,
            window_start=at,
            window_end=at,
            summary=f"{heard.count} heard",
            evidence=Evidence(observed=heard.digest, expected="each once, in order"),
        )
        return Derived(ALERT_CHANGED, transition_id(identity, number), at, content, store, store_id=store)


class Relay(Echo):
    """Tells the next stage instead of people: every nth sale is an observation of its store."""

    def _said(self, store: str, number: int, heard: Heard, at: datetime) -> Derived:
        content = observation(at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0), at.astimezone(UTC).hour, 5000, number)
        identity = transition_id(derived_id(self.name, store, heard.digest), number)
        return Derived(SALES_OBSERVED, identity, at, content, store, content.business_date.isoformat())


class Refusal:
    """Cannot deal with sales of one SKU: what a rule with a bug does, or one that meets what it has no words for yet."""

    name = "refusal"
    event_types = frozenset({SALE_COMPLETED})
    kinds: tuple[Kind, ...] = ()

    def touched(self, happening: Occurred | Recounted, view: View) -> Sequence[Entity]:  # noqa: ARG002
        """Touch nothing, or fail."""
        if isinstance(happening, Occurred) and any(line.sku == POISON for line in happening.event.data.lines):
            raise ValueError(f"{POISON} cannot be sold")
        return []

    def decide(self, entity: Entity, state: State | None, happening: Happening, view: View) -> Decision:
        """Never be asked."""
        raise AssertionError(entity, state, happening, view)


_ODD: Mapping[str, Rule] = {
    "echo": Echo("echo", SALES_OBSERVED, 1),
    "tally": Echo("tally", SALE_COMPLETED, 20),
    "relay": Relay("relay", SALE_COMPLETED, 10),
    "refusal": Refusal(),
}


def rules_of(stage: StageName, names: Sequence[str] = ()) -> tuple[Rule, ...]:
    """Return the product's rules of a stage, and the named ones behind them."""
    return (*RULES_OF[stage], *(_ODD[name] for name in names))
