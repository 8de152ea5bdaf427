"""Policy versions held in state: which one is in force at a time, the narrowest scope first."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache

import msgspec
from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.events.reference import PolicySet
from contracts.policies.every import AnyPolicy
from contracts.policies.parameters import PolicyParameters
from processors.rules.rule import Kind, Policy, State, microseconds

_PARAMETERS: TypeAdapter[PolicyParameters] = TypeAdapter(AnyPolicy)
_EVERY_SKU = "*"
_VERSIONS_KEPT = 500


class PolicyVersion(msgspec.Struct, frozen=True, array_like=True):
    """One version: from when, which, and its parameters as canonical JSON."""

    effective_from: int
    version: int
    parameters: str


class PolicyVersions(State, frozen=True, array_like=True):
    """All versions of one policy for one scope."""

    versions: tuple[PolicyVersion, ...] = ()


POLICY = Kind("policy", PolicyVersions, 1, 2)


def scope_of(event: Event[PolicySet]) -> tuple[str | None, str]:
    """Return the store that a policy is for (None: the chain), and the name of its state."""
    data = event.data
    return data.scope_store_id, _name(event.envelope.tenant_id, data.parameters.policy, data.scope_sku)


def with_version(known: PolicyVersions, data: PolicySet) -> PolicyVersions:
    """Add a version; of one number the first recorded stands."""
    if any(row.version == data.version for row in known.versions):
        return known
    row = PolicyVersion(microseconds(data.effective_from), data.version, data.parameters.model_dump_json())
    rows = sorted((*known.versions, row), key=lambda each: (each.effective_from, each.version))
    return PolicyVersions(tuple(rows[-_VERSIONS_KEPT:]))


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
        held = read(store, name)
        if isinstance(held, PolicyVersions):
            for row in reversed(held.versions):
                if row.effective_from <= moment:
                    return Policy(row.version, _parameters(row.parameters))
    return None


def _name(tenant_id: str, policy: str, sku: str | None) -> str:
    return f"{tenant_id}/{policy}/{_EVERY_SKU if sku is None else sku}"


@lru_cache(maxsize=10_000)
def _parameters(text: str) -> PolicyParameters:
    return _PARAMETERS.validate_json(text)
