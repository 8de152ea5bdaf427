"""What a check of the business is: asked over stores and business dates, it says what does not agree, in figures and in words.

Levels 1 and 2 of a reconciliation ask whether the read models hold what the log holds. A check of the business asks whether
what was recorded agrees with itself: a till's own report with its receipts, what was paid with what was due, counts with the book.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, Protocol, TypeAlias

from clickhouse_connect.driver.asyncclient import AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.fields import plain

Verdict: TypeAlias = Literal["PASS", "MISMATCH", "UNVERIFIED", "CHECK_ERROR"]
Figure: TypeAlias = int | Decimal

MOST_FINDINGS: Final = 1_000
"""So many findings of a check are named; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Business dates, both inclusive, and stores: those named, or all of one chain, or all."""

    date_from: date
    date_until: date
    tenant_id: str | None = None
    store_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Connections:
    """Where to read. `clock`: the time by which lateness is judged (`business.clock` asks for it); None: nothing is final yet."""

    engine: AsyncEngine
    clickhouse: AsyncClient
    clock: datetime | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not agree.

    `subject` names it within the store (a till period, a receipt, an SKU). `text` says in one sentence what was found and what
    was expected; `observed` and `expected` are the same as figures in `unit`, None where there is none. `event_ids`: the events
    to look at, the one to correct first. `is_provisional`: what is still on its way may settle it.
    """

    check: str
    store_id: str
    business_date: date
    subject: str
    text: str
    observed: Figure | None
    expected: Figure | None
    unit: str
    event_ids: tuple[str, ...] = ()
    is_provisional: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; figures as text, for some are decimal."""
        return {
            "check": self.check,
            "store_id": self.store_id,
            "business_date": self.business_date.isoformat(),
            "subject": self.subject,
            "text": self.text,
            "observed": None if self.observed is None else plain(Decimal(self.observed)),
            "expected": None if self.expected is None else plain(Decimal(self.expected)),
            "unit": self.unit,
            "event_ids": list(self.event_ids),
            "is_provisional": self.is_provisional,
        }


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What one check found. `compared`: how many things it looked at; `reasons`: why something could not be looked at.

    `finding_count` and `provisional_count` are of all findings, also of those beyond the first that are named.
    """

    name: str
    title: str
    verdict: Verdict
    compared: int
    findings: tuple[Finding, ...] = ()
    finding_count: int = 0
    provisional_count: int = 0
    reasons: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "name": self.name,
            "title": self.title,
            "verdict": self.verdict,
            "compared": self.compared,
            "finding_count": self.finding_count,
            "provisional_count": self.provisional_count,
            "reasons": list(self.reasons),
            "findings": [finding.as_json() for finding in self.findings],
        }


class BusinessCheck(Protocol):
    """A check by its name; it reads store by store and date by date, and keeps nothing between runs."""

    @property
    def name(self) -> str:
        """Name in results and documents, such as `z_reports`."""
        ...

    @property
    def title(self) -> str:
        """What it asks, in a few words for people."""
        ...

    async def run(self, connections: Connections, scope: Scope) -> CheckOutcome:
        """Look at a scope; errors of drivers pass through to whoever runs the checks."""
        ...


@dataclass(slots=True)
class Tally:
    """Gathers what a check finds, and judges it at the end."""

    compared: int = 0
    findings: list[Finding] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    _settled: int = 0
    _provisional: int = 0

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings; those that are settled displace provisional ones where there are too many to name."""
        for finding in findings:
            self._provisional += finding.is_provisional
            self._settled += not finding.is_provisional
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(finding)
            elif not finding.is_provisional:
                self._displace(finding)

    def outcome(self, check: BusinessCheck) -> CheckOutcome:
        """Judge: something settled is a mismatch; what may still settle itself, or was not looked at, is unverified."""
        verdict: Verdict = "MISMATCH" if self._settled else "UNVERIFIED" if self._provisional or self.reasons else "PASS"
        count = self._settled + self._provisional
        return CheckOutcome(
            check.name, check.title, verdict, self.compared, tuple(self.findings), count, self._provisional, tuple(self.reasons)
        )

    def _displace(self, finding: Finding) -> None:
        place = next((place for place, known in enumerate(self.findings) if known.is_provisional), None)
        if place is not None:
            del self.findings[place]
            self.findings.append(finding)
