"""The stores of an export: which store a line belongs to, its settings, and the versions to publish."""

import re
import unicodedata
from dataclasses import dataclass

from contracts.envelope import CHAIN_WIDE, Envelope, Event
from contracts.events.reference import OpeningHours, PolicySet, StoreDefined
from contracts.events.registry import POLICY_SET, STORE_DEFINED
from contracts.fields import Model
from contracts.identifiers import derived_id
from producers.mappings.schema import CsvMapping, Policy
from producers.sources.readings import LineRefused, Memo, name_of


@dataclass(frozen=True, slots=True)
class StoreInUse:
    """What translating a line needs to know of its store."""

    store_id: str
    name: str
    timezone: str
    currency: str
    country: str
    cut_off_hour: int
    region: str | None
    hours: tuple[OpeningHours, ...] | None


def source_of(mapping: CsvMapping) -> str:
    """Return the CloudEvents source of everything that a mapping loads."""
    return f"load/{mapping.name}"


def slug_of(text: str) -> str:
    """Make an identifier of a name; names without Latin letters or digits get a digest of the name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or f"s-{derived_id('slug', text).hex[:12]}"


class StoreBook:
    """Finds stores by the text of the store column; remembers every store that the file really has."""

    def __init__(self, mapping: CsvMapping) -> None:
        self._mapping = mapping
        self._column = name_of(mapping.columns.store)
        self._owner: dict[str, str] = {}
        self.by_text: Memo[str, StoreInUse] = Memo(self._find)

    def _find(self, text: str) -> StoreInUse:
        stores = self._mapping.stores
        if not text:
            raise LineRefused("missing", self._column, "a store")
        if text not in stores.table and stores.unlisted == "refuse":
            raise LineRefused("unknown_store", self._column, "a store that the mapping lists")
        store = _settings(self._mapping, text)
        if self._owner.setdefault(store.store_id, text) != text:
            raise LineRefused("store_id_taken", self._column, f"a store of its own id; {store.store_id} is {self._owner[store.store_id]!r}")
        return store

    def defined(self) -> list[Event[Model]]:
        """Return the version of every store met so far, by store id."""
        return [_definition(self._mapping, store) for store in sorted(self.by_text.values(), key=lambda store: store.store_id)]

    def policies(self) -> list[Event[Model]]:
        """Return the mapping's policies; the mapping's own checks saw to it that their stores can be found."""
        return [self._policy(policy) for policy in self._mapping.policies]

    def _policy(self, policy: Policy) -> Event[Model]:
        scope = self.by_text[policy.store].store_id if policy.store else None
        parts = (scope or CHAIN_WIDE, policy.sku or CHAIN_WIDE, policy.parameters.policy, str(policy.version))
        content = PolicySet(
            version=policy.version,
            effective_from=policy.effective_from,
            scope_store_id=scope,
            scope_sku=policy.sku,
            parameters=policy.parameters,
        )
        envelope = Envelope(
            id=derived_id("policy", source_of(self._mapping), *parts),
            source=source_of(self._mapping),
            type=POLICY_SET,
            occurred_at=policy.effective_from,
            tenant_id=self._mapping.tenant,
            store_id=scope or CHAIN_WIDE,
            history=True,
        )
        return Event(envelope, content)


def _settings(mapping: CsvMapping, text: str) -> StoreInUse:
    stores = mapping.stores
    defaults = dict(stores.defaults)
    own = stores.table.get(text)
    settings = defaults | {name: value for name, value in own or () if value is not None}
    store_id = settings.pop("id", None) or stores.prefix + slug_of(text)
    name = settings.pop("name", None) or text
    return StoreInUse(store_id=store_id, name=name, **settings)


def _definition(mapping: CsvMapping, store: StoreInUse) -> Event[Model]:
    stores = mapping.stores
    content = StoreDefined(
        version=stores.version,
        effective_from=stores.effective_from,
        store_id=store.store_id,
        name=store.name,
        timezone=store.timezone,
        currency=store.currency,
        country=store.country,
        cut_off_hour=store.cut_off_hour,
        region=store.region,
        hours=store.hours,
    )
    envelope = Envelope(
        id=derived_id("store", source_of(mapping), store.store_id, str(stores.version)),
        source=source_of(mapping),
        type=STORE_DEFINED,
        occurred_at=stores.effective_from,
        tenant_id=mapping.tenant,
        store_id=store.store_id,
        history=True,
    )
    return Event(envelope, content)
