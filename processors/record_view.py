"""What rules may read while one record is folded: states of its place, versions in force, the clock, and what people answered."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from contracts.events.reference import EmployeeDefined, PromotionDefined, SkuDefined, StoreDefined, SupplierDefined
from processors import answers, partition_clock, reference_versions
from processors.answers import ANSWERS
from processors.policies import InForce, PolicyBooks
from processors.reference_versions import PROMOTIONS, REFERENCE
from processors.rules.rule import Entity, Entry, Feedback, Kind, Policy, State, microseconds
from processors.state import key_of, partition_place
from processors.workspace import Workspace

_UNANSWERED = Feedback()


class RecordView(msgspec.Struct, frozen=True, gc=False):
    """One place: a store, or in the stage of chains a chain (then `store_id` is the chain's id)."""

    work: Workspace
    partition: int
    tenant_id: str
    store_id: str
    offset: int
    clock: datetime | None
    clock_at: int | None
    present: datetime | None
    is_history: bool
    is_live: bool
    policies: PolicyBooks
    worked_out: dict[str, Any] = {}

    def state(self, entity: Entity) -> State | None:
        """Return another state of the place."""
        kind = entity.kind
        return self.work.read(f"{self.store_id}|{kind.name}|{entity.name}", kind).state

    def reader(self, kind: Kind) -> Callable[[str], tuple[str, Entry]]:
        """Return what gives the key of a state of the place by its name, and the state."""
        return self.work.reader(self.store_id, kind)

    def notes(self, rule: str) -> dict[str, Any]:
        """Return what a rule noted of the place."""
        return self.work.notes(f"{self.store_id}|{rule}")

    def memo(self) -> dict[str, Any]:
        """Return what was worked out of the states of the place."""
        return self.work.memo(self.store_id)

    def policy(self, name: str, sku: str | None, at: datetime) -> Policy | None:
        """Return the policy in force at a time; the narrowest scope wins."""
        return self.policies.in_force(self.tenant_id, self.store_id, name, sku, microseconds(at))

    def policy_at(self, name: str, sku: str | None, moment: int) -> Policy | None:
        """Return the same for a time in Unix microseconds."""
        return self.policies.in_force(self.tenant_id, self.store_id, name, sku, moment)

    def policy_while(self, name: str, sku: str | None, moment: int) -> InForce:
        """Return the same, and from when until when it is that one."""
        return self.policies.while_in_force(self.tenant_id, self.store_id, name, sku, moment)

    def store_at(self, at: datetime) -> StoreDefined | None:
        """Return the settings of the store that were in force at a time."""
        known = self._read(self.store_id, REFERENCE, reference_versions.store_name())
        return reference_versions.in_force(known, StoreDefined, microseconds(at))

    def employee(self, employee_id: str) -> EmployeeDefined | None:
        """Return what is known of a person now, by the newest version: what it says of their age was always so."""
        known = self._read(self.store_id, REFERENCE, reference_versions.employee_name(employee_id))
        return reference_versions.newest(known, EmployeeDefined)

    def sku_at(self, sku: str, at: datetime) -> SkuDefined | None:
        """Return what a SKU was at a time."""
        known = self._read(None, REFERENCE, reference_versions.sku_name(self.tenant_id, sku))
        return reference_versions.in_force(known, SkuDefined, microseconds(at))

    def supplier_at(self, supplier_id: str, at: datetime) -> SupplierDefined | None:
        """Return what a supplier was at a time."""
        known = self._read(None, REFERENCE, reference_versions.supplier_name(self.tenant_id, supplier_id))
        return reference_versions.in_force(known, SupplierDefined, microseconds(at))

    def promotions_at(self, at: datetime) -> tuple[PromotionDefined, ...]:
        """Return the promotions that ran in the store at a time."""
        known = self._read(None, PROMOTIONS, reference_versions.promotions_name(self.tenant_id))
        return reference_versions.promotions_at(known, self.store_id, microseconds(at))

    def feedback(self, rule: str, subject: str, at: datetime) -> Feedback:
        """Return what people had answered until a time to alerts of a rule about a subject."""
        known = self._read(self.store_id, ANSWERS, answers.name_of(rule, subject))
        return _UNANSWERED if known is None else answers.feedback(known, microseconds(at))

    def too_late(self, window_end: datetime) -> bool:
        """Return whether a window is history: nobody is to be alarmed about it any more."""
        return self.is_history or (self.is_live and partition_clock.is_history(window_end, self.present))

    def _read(self, store: str | None, kind: Kind, name: str) -> State | None:
        return self.work.read(key_of(store or partition_place(self.partition), kind, name), kind).state
