"""What a recommendation says: its content and its evidence, from what was judged. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from contracts.events.alerts import Evidence
from contracts.events.reorder import DemandBasis, ReorderRecommended
from contracts.fields import plain
from contracts.policies.reorder_point import ReorderPointPolicy
from processors.rules.demand.plan import Basis
from processors.rules.on_hand import Tally, quantity_of
from processors.rules.rule import Policy, moment_of

RULE_VERSION = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """What is there, what is to come, and the levels to compare it with (None: nothing to compare with); whole numbers."""

    tally: Tally | None
    on_hand: int
    coming: int
    point: int | None
    wanted: int | None
    up_to: int
    basis: Basis | None

    @property
    def position(self) -> int:
        """Return what is on hand and on order."""
        return self.on_hand + self.coming


def recommended(judged: Judged, identity: UUID, revision: int, sku: str, policy: Policy, cause: UUID) -> ReorderRecommended:
    """Return the content of a revision."""
    assert isinstance(policy.parameters, ReorderPointPolicy)
    return ReorderRecommended(
        recommendation_id=identity,
        revision=revision,
        status="closed" if judged.wanted is None else "open",
        sku=sku,
        position=quantity_of(judged.position),
        reorder_point=quantity_of(judged.point or 0),
        order_quantity=quantity_of(judged.wanted or 0),
        rule_version=RULE_VERSION,
        policy_version=policy.version,
        evidence=_evidence(judged, policy.parameters, cause),
        on_order=quantity_of(judged.coming),
        basis=_basis(judged.basis) if judged.basis else None,
    )


def _evidence(judged: Judged, policy: ReorderPointPolicy, cause: UUID) -> Evidence:
    tally, basis = judged.tally, judged.basis
    known = (UUID(bytes=tally.counted_by),) if tally else ()
    return Evidence(
        observed=_observed(judged),
        expected=f"more than {_text(judged.point or 0)}; order up to {_text(judged.up_to)}" + (_because(basis, policy) if basis else ""),
        probability=_exact(1 - basis.service_level, 4) if basis else None,
        baseline_window=f"{basis.days} days of demand" if basis else None,
        event_ids=tuple(dict.fromkeys((*known, cause))),
    )


def _observed(judged: Judged) -> str:
    tally = judged.tally
    if tally is None:
        return "no count stands any more"
    when = moment_of(tally.counted_at).isoformat(timespec="minutes")
    observed = f"{_text(tally.quantity)} on hand: counted {_text(tally.counted)} at {when}"
    observed += f", {_text(tally.moved)} in {tally.movements} movements since"
    return observed + (f"; {_text(judged.coming)} on order" if judged.coming else "")


def _because(basis: Basis, policy: ReorderPointPolicy) -> str:
    """Name demand, lead time and both levels: the nominal one, and what it would have supplied."""
    borrowed = f" ({basis.borrowed:.0%} of it from goods of its category)" if basis.borrowed else ""
    return (
        f"; {basis.demand_class} demand of {basis.rate:.2f} a day{borrowed}, {basis.lead_days:.1f} ± {basis.lead_deviation:.1f} days"
        f" to the goods from {basis.deliveries} deliveries and {basis.review_days:.0f} between orders; {basis.service_level:.1%} chance"
        f" of not running out, {basis.achieved:.1%} of the known demand supplied (target {float(policy.target_fill_rate):.1%})"
    )


def _basis(basis: Basis) -> DemandBasis:
    return DemandBasis(
        rate=_exact(basis.rate, 4),
        growth=_exact(basis.growth, 3),
        demand_class=basis.demand_class,
        days=basis.days,
        lead_days=_exact(basis.lead_days, 3),
        lead_deviation=_exact(basis.lead_deviation, 3),
        deliveries=basis.deliveries,
        review_days=round(basis.review_days),
        service_level=_exact(basis.service_level, 4),
        achieved_fill_rate=_exact(basis.achieved, 4),
        borrowed_share=_exact(basis.borrowed, 3),
    )


def _exact(value: float, places: int) -> Decimal:
    return Decimal(f"{value:.{places}f}").normalize()


def _text(whole: int) -> str:
    return plain(quantity_of(whole))
