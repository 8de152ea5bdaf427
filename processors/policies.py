"""Policy versions held in state: which one is in force at a time, the narrowest scope first.

Every sale asks for policies of every SKU on it, so those of a partition are gathered in books: what is in no book costs no look.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import lru_cache
from operator import attrgetter
from typing import TypeAlias, get_args

from pydantic import TypeAdapter

from contracts.envelope import Event
from contracts.events.reference import PolicySet
from contracts.policies.every import AnyPolicy
from contracts.policies.parameters import PolicyParameters
from processors.rules.rule import Kind, Policy, State, microseconds
from processors.versions import Version, Versions

_PARAMETERS: TypeAdapter[PolicyParameters] = TypeAdapter(AnyPolicy)
_EVERY_SKU = "*"
_POLICIES = sorted(model.model_fields["policy"].default for model in get_args(get_args(AnyPolicy)[0]))
_NAME = re.compile(f"(.*?)/({'|'.join(_POLICIES)})/(.*)", re.DOTALL)
"""Tenant, policy and SKU; tenants and SKUs may contain a slash, policies do not."""

InForce: TypeAlias = tuple[int, int, Policy | None]
"""From when, until when (Unix microseconds), and what."""
_EVER, _NEVER = -(2**63), 2**63
_NO_SKUS: AbstractSet[str] = frozenset()
_begins = attrgetter("effective_from")

POLICY = Kind("policy", Versions, 1, 5)


def scope_of(event: Event[PolicySet]) -> tuple[str | None, str]:
    """Return the store that a policy is for (None: the chain), and the name of its state."""
    data = event.data
    return data.scope_store_id, _name(event.envelope.tenant_id, data.parameters.policy, data.scope_sku)


def version_of(data: PolicySet) -> Version:
    """Return the row of a policy version."""
    return Version(microseconds(data.effective_from), data.version, data.parameters.model_dump_json())


class PolicyBooks:
    """The policies of one partition by tenant, policy and scope."""

    def __init__(self) -> None:
        self._books: dict[tuple[str, str], dict[tuple[str | None, str], Versions]] = {}
        self._skus: dict[tuple[str, str], set[str]] = {}
        self._known: dict[tuple[str, str, str], tuple[AbstractSet[str], dict[str | None, InForce]]] = {}

    @classmethod
    def of(cls, states: Iterable[tuple[str | None, str, State | None]]) -> "PolicyBooks":
        """Gather the states of policies, each given by its store (None: the chain) and its name."""
        books = cls()
        for store, name, state in states:
            books.note(store, name, state)
        return books

    def note(self, store: str | None, name: str, state: State | None) -> None:
        """Take in what a policy's state has become."""
        found = _NAME.fullmatch(name)
        if isinstance(state, Versions) and found is not None:
            tenant, policy, sku = found.groups()
            self._books.setdefault((tenant, policy), {})[store, sku] = state
            self._skus.setdefault((tenant, policy), set()).add(sku)
            self._known.clear()

    def in_force(self, tenant_id: str, store_id: str, policy: str, sku: str | None, moment: int) -> Policy | None:
        """Return the policy in force at a time; the narrowest scope that has one decides: store and SKU, store, SKU, chain."""
        return self.while_in_force(tenant_id, store_id, policy, sku, moment)[2]

    def while_in_force(self, tenant_id: str, store_id: str, policy: str, sku: str | None, moment: int) -> InForce:
        """Return the same with the time from which and until which (Unix microseconds) it is that one."""
        place = tenant_id, policy, store_id
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = self._skus.get((tenant_id, policy), _NO_SKUS), {}
        if sku not in known[0]:
            sku = None
        found = known[1].get(sku)
        if found is None or not found[0] <= moment < found[1]:
            found = known[1][sku] = self._found(tenant_id, store_id, policy, sku, moment)
        return found

    def _found(self, tenant_id: str, store_id: str, policy: str, sku: str | None, moment: int) -> InForce:
        """Return the policy in force at a time, and from when until when that holds."""
        book = self._books.get((tenant_id, policy), {})
        since, until, found = _EVER, _NEVER, None
        for store in (store_id, None):
            for scope in (_EVERY_SKU,) if sku is None else (sku, _EVERY_SKU):
                rows = book[store, scope].rows if (store, scope) in book else ()
                place = bisect_right(rows, moment, key=_begins)
                until = min(until, rows[place].effective_from) if place < len(rows) else until
                if place:
                    since = max(since, rows[place - 1].effective_from)
                    found = found or _policy(rows[place - 1].number, rows[place - 1].content)
        return since, until, found


def _name(tenant_id: str, policy: str, sku: str | None) -> str:
    return f"{tenant_id}/{policy}/{_EVERY_SKU if sku is None else sku}"


@lru_cache(maxsize=10_000)
def _policy(number: int, content: str) -> Policy:
    return Policy(number, _PARAMETERS.validate_json(content))
