"""Policy versions held in state: which one is in force at a time, the narrowest scope first."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.events.reference import PolicySet
from contracts.policies.every import AnyPolicy
from contracts.policies.parameters import PolicyParameters
from processors import versions
from processors.rules.rule import Kind, Policy, State, microseconds
from processors.versions import Version, Versions

_PARAMETERS: TypeAdapter[PolicyParameters] = TypeAdapter(AnyPolicy)
_EVERY_SKU = "*"

POLICY = Kind("policy", Versions, 1, 2)


def scope_of(event: Event[PolicySet]) -> tuple[str | None, str]:
    """Return the store that a policy is for (None: the chain), and the name of its state."""
    data = event.data
    return data.scope_store_id, _name(event.envelope.tenant_id, data.parameters.policy, data.scope_sku)


def version_of(data: PolicySet) -> Version:
    """Return the row of a policy version."""
    return Version(microseconds(data.effective_from), data.version, data.parameters.model_dump_json())


def scopes(tenant_id: str, store_id: str, policy: str, sku: str | None) -> Iterator[tuple[str | None, str]]:
    """Name the scopes in which to look, narrowest first: store and SKU, store, SKU, chain."""
    for store in (store_id, None):
        if sku is not None:
            yield store, _name(tenant_id, policy, sku)
        yield store, _name(tenant_id, policy, None)


def in_force(
    tenant_id: str, store_id: str, policy: str, sku: str | None, at: datetime, read: Callable[[str | None, str], State | None]
) -> Policy | None:
    """Return the policy in force at a time; the narrowest scope that has one decides."""
    moment = microseconds(at)
    for store, name in scopes(tenant_id, store_id, policy, sku):
        row = versions.in_force(read(store, name), moment)
        if row is not None:
            return Policy(row.number, _parameters(row.content))
    return None


def _name(tenant_id: str, policy: str, sku: str | None) -> str:
    return f"{tenant_id}/{policy}/{_EVERY_SKU if sku is None else sku}"


@lru_cache(maxsize=10_000)
def _parameters(text: str) -> PolicyParameters:
    return _PARAMETERS.validate_json(text)
