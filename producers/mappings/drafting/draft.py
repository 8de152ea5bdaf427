"""Propose a mapping for an export that nobody described: what each column is, which lines are what, and what is left to decide.

Pure: it judges a look at the file. The same look gives the same draft.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from producers.mappings.drafting.answers import Answers, Settled, placeholder, settle
from producers.mappings.drafting.finding import Finding
from producers.mappings.drafting.fitness import Roles, without_refusals
from producers.mappings.drafting.kinds import DraftRule, rules_of
from producers.mappings.drafting.line import lines_of
from producers.mappings.drafting.profile import Profile, profiles_of
from producers.mappings.drafting.reading import Look
from producers.mappings.drafting.receipt_key import receipt_key
from producers.mappings.drafting.roles import REQUIRED, roles_of
from producers.mappings.drafting.times import first_day, when_of
from producers.mappings.drafting.words import Role
from producers.mappings.reader import UNDECIDED
from producers.sources.stores import slug_of

_COLUMNS: tuple[Role, ...] = ("sku", "description", "quantity", "unit_price", "discount", "tax", "currency")
_CODES: tuple[Role, ...] = ("store", "till", "employee", "customer")
_MEANT: dict[Role, str] = {
    "receipt": "the receipt's number",
    "sku": "the article's code",
    "quantity": "the quantity",
    "unit_price": "the price of one piece",
    "occurred_at": "the time of the sale",
}
_MOST_STORES = 12
_CUT_OFF = "stores.defaults.cut_off_hour: taken as 0; the hour at which a new business date begins stands in no file"
NAMELESS_STORE = "main"
_SUFFIX = re.compile(r"\d+\.0")

Entry = tuple[str, Finding[Any]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A mapping in parts: entries of each section with what they are based on, the rules, and columns that were left out."""

    name: str
    look: Look
    settled: Settled
    columns: tuple[Entry, ...]
    stores: tuple[Entry, ...]
    rules: tuple[DraftRule, ...]
    left_out: tuple[str, ...]

    def findings(self) -> Iterable[Entry]:
        """Yield every choice with its place."""
        yield from ((f"format.{key}", finding) for key, finding in self.look.findings)
        yield from ((f"columns.{key}", finding) for key, finding in self.columns)
        yield from ((f"stores.{key}", finding) for key, finding in self.stores)
        yield from ((f"rules: {rule.line_class}", Finding(rule.when, rule.sureness, rule.basis)) for rule in self.rules)
        yield from self.settled._asdict().items()

    def unsure(self) -> list[str]:
        """Say what a person should check."""
        doubts = [f"{place}: {found.basis}" for place, found in self.findings() if found.sureness == "unsure" and not _is_open(found)]
        return [*dict.fromkeys(doubts), *self.left_out, _CUT_OFF]

    def to_decide(self) -> list[str]:
        """Say what a person must fill in."""
        return [f"{place}: {found.value.removeprefix(UNDECIDED + ': ')}" for place, found in self.findings() if _is_open(found)]


def _is_open(finding: Finding[Any]) -> bool:
    return isinstance(finding.value, str) and finding.value.startswith(UNDECIDED)


def drafted(look: Look, answers: Answers) -> Draft:
    """Propose a mapping for a file."""
    sample = look.sample
    profiles = profiles_of(sample, look.style)
    found = roles_of(profiles)
    currencies = sorted(found["currency"].value.frequent) if "currency" in found else []
    settled = settle(answers, sample.header, currencies)
    roles, left_out = without_refusals(found, sample, settled.currency.value)
    missing = {role: _missing(role).value for role in REQUIRED if role not in roles}
    names = {**missing, **{role: finding.value.name for role, finding in roles.items()}}
    return Draft(
        name=slug_of(look.name.split(".")[0])[:60],
        look=look,
        settled=settled,
        columns=tuple(_columns(look, roles)),
        stores=tuple(_stores(look, roles)),
        rules=tuple(rules_of(lines_of(sample, roles), names)),
        left_out=tuple(left_out),
    )


def _columns(look: Look, roles: Roles) -> Iterable[Entry]:
    yield "receipt", _receipt(look, roles)
    when = when_of(roles)
    yield "occurred_at", _missing("occurred_at") if when is None else _when(when.value.columns, when.value.formats, when)
    for role in (*_COLUMNS, *_CODES):
        if role in roles:
            yield role, _column(roles[role])
        elif role in REQUIRED:
            yield role, _missing(role)


def _missing(role: Role) -> Finding[Any]:
    return placeholder(f"the column of {_MEANT[role]}; none fits")


def _when(columns: Sequence[str], formats: Sequence[str], finding: Finding[Any]) -> Finding[Any]:
    named = columns[0] if len(columns) == 1 else list(columns)
    return Finding({"columns": named, "formats": list(formats)}, finding.sureness, finding.basis)


def _receipt(look: Look, roles: Roles) -> Finding[Any]:
    if "receipt" not in roles:
        return _missing("receipt")
    key = receipt_key(look.sample, roles)
    if len(key.value) > 1:
        return Finding({"columns": list(key.value), "join": "-"}, key.sureness, key.basis)
    return Finding(_column(roles["receipt"]).value, key.sureness, key.basis)


def _column(finding: Finding[Profile]) -> Finding[Any]:
    """Name a column; codes that a spreadsheet made decimals of lose the .0 again."""
    profile = finding.value
    if not profile.frequent or not all(_SUFFIX.fullmatch(text) for text in profile.frequent) or profile.middle < 1000:
        return Finding(profile.name, finding.sureness, finding.basis)
    value = {"columns": profile.name, "remove_suffix": ".0"}
    return Finding(value, finding.sureness, f"{finding.basis}; the codes were once written as decimals")


def _stores(look: Look, roles: Roles) -> Iterable[Entry]:
    first = first_day(look.sample, roles)
    since = f"{first}T00:00:00+00:00" if first else placeholder("the day from which these settings hold").value
    yield "effective_from", Finding(since, "likely", "before everything in the sample")
    if "store" not in roles:
        yield "only", Finding(NAMELESS_STORE, "unsure", "no column names a store; say how yours is called")
        return
    texts = sorted(set(look.sample.column(roles["store"].value.place)))
    listed = ", ".join(texts[:_MOST_STORES]) + (", …" if len(texts) > _MOST_STORES else "")
    yield "unlisted", Finding("accept", "likely", f"{len(texts)} stores in the sample: {listed}")
