"""What no file tells and its owner must say: whose sales these are, in which time zone and which currency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from producers.mappings.drafting.finding import Finding, Sureness
from producers.mappings.reader import UNDECIDED


@dataclass(frozen=True, slots=True)
class Answers:
    """What the owner said already; None is still to be decided."""

    tenant: str | None = None
    timezone: str | None = None
    currency: str | None = None
    country: str | None = None


class Settled(NamedTuple):
    """The answers as the draft writes them; placeholders for those that are missing."""

    tenant: Finding[str]
    timezone: Finding[str]
    currency: Finding[str]
    country: Finding[str]


def settle(answers: Answers, header: Iterable[str], currencies: Sequence[str]) -> Settled:
    """Take what was answered, a currency that every line names, and else a placeholder that the loader refuses."""
    korean = any("가" <= letter <= "힣" for name in header for letter in name)
    hints = ("Asia/Seoul", "KRW", "KR") if korean else ("Europe/London", "GBP", "GB")
    single = currencies[0] if len(currencies) == 1 else None
    return Settled(
        tenant=_answer(answers.tenant, "the chain that these stores belong to, for instance hanbit"),
        timezone=_answer(answers.timezone, f"the time zone of the stores, for instance {hints[0]}"),
        currency=_currency(answers.currency, single, f"the currency of the prices, for instance {hints[1]}"),
        country=_country(answers.country, hints[2] if korean else None),
    )


def _answer(given: str | None, asked: str) -> Finding[str]:
    return Finding(given, "sure", "as you said") if given else placeholder(asked)


def placeholder(asked: str) -> Finding[str]:
    """Return the text that stands where a decision is missing."""
    return Finding(f"{UNDECIDED}: {asked}", "unsure", "the file does not tell")


def _currency(given: str | None, single: str | None, asked: str) -> Finding[str]:
    if given is None and single is not None:
        return Finding(single, "sure", "the only currency that the lines name")
    return _answer(given, asked)


def _country(given: str | None, hint: str | None) -> Finding[str]:
    if given:
        return Finding(given, "sure", "as you said")
    sureness: Sureness = "likely" if hint else "unsure"
    return Finding(hint or "ZZ", sureness, "the columns have Korean names" if hint else "not known; an ISO 3166 code")
