"""Reconciliations: what was asked for, the verdict of a run, and its findings down to event ids and columns."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.parameters import EARLIEST, LATEST, Code
from projections.reconciliations import Finding, Reconciliation

Verdict = Literal["PASS", "MISMATCH", "UNVERIFIED", "CHECK_ERROR"]
Section = Literal["difference", "explained", "conflict", "business"]
_Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]


def _stated(value: Any) -> Any:
    return value if value not in ("", None) else None


Stated = Annotated[str | None, BeforeValidator(_stated)]


class AskReconciliation(BaseModel):
    """Which store-days are compared row by row; without any, those that changed since they were compared last."""

    model_config = ConfigDict(extra="forbid")

    store: Code | None = Field(default=None, description="All of this store.")
    from_date: _Day | None = Field(default=None, alias="from", description="From this business date on.")
    until_date: _Day | None = Field(default=None, alias="until", description="Until this one, inclusive.")
    fresh: bool = Field(default=False, description="Read the whole log again, not only what it has gained.")


class RepairStep(BaseModel):
    """What repairs differences; `settle_conflict` and `look` are for a person."""

    action: Literal["replay_store_days", "replay_all", "settle_conflict", "look"]
    model: str
    store_id: str | None
    command: str = Field(examples=["tillstream replay sales --store GANGNAM-01 --from 2026-03-02 --until 2026-03-02"])
    why: str
    differences: int


class ReconciliationRun(BaseModel):
    """One run. Read models have one verdict, the business another: a till that is short is no fault of a read model."""

    id: int
    state: Literal["asked", "running", "done"]
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    holds_since: datetime | None = Field(description="When the verdict was given, or it was last seen that no event had come since.")
    verdict: Verdict | None = Field(description="Null until it is done.")
    business_verdict: Verdict | None
    difference_count: int | None
    records_read: int | None = Field(description="Records of the log that this run read; what earlier ones had read is kept.")

    @classmethod
    def of(cls, run: Reconciliation) -> "ReconciliationRun":
        """Write a run."""
        return cls(**_fields(run))


class ReconciliationDetail(ReconciliationRun):
    """A run with what it rests on and what repairs what it found."""

    unverified: list[str] = Field(description="What could not be compared, and why.")
    events: dict[str, int] = Field(description="Events compared, by read model.")
    rows: dict[str, int] = Field(description="Rows compared, by read model.")
    store_days_not_yet_checked: int = Field(description="Store-days that changed and whose rows wait to be compared.")
    repairs: list[RepairStep] = Field(description="Of the caller's stores, and of what is no store's.")

    @classmethod
    def in_scope(cls, run: Reconciliation, stores: tuple[str, ...]) -> "ReconciliationDetail":
        """Write a run for somebody who may see these stores."""
        report = run.report or {}
        steps = [RepairStep.model_validate(step) for step in report.get("repairs", [])]
        return cls(
            **_fields(run),
            unverified=report.get("unverified", []),
            events={model: row["events"] for model, row in report.get("compared", {}).items()},
            rows=report.get("rows_compared", {}),
            store_days_not_yet_checked=report.get("store_days", {}).get("not_yet_checked", 0),
            repairs=[step for step in steps if step.store_id is None or step.store_id in stores],
        )


class RunPage(BaseModel):
    """One page of runs, the newest first."""

    rows: list[ReconciliationRun]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class ReconciliationFinding(BaseModel):
    """One finding: an event or a row of a read model, a conflicting duplicate, or something of the business."""

    number: int
    section: Section
    level: int | None = Field(description="1: events by their sums; 2: rows.")
    model: Stated = Field(description="Read model.")
    check: Stated = Field(description="Check of the business.")
    store_id: Stated
    business_date: Stated
    event_type: Stated = Field(description="Event type, table or partition.")
    kind: Stated = Field(examples=["missing"])
    event_ids: list[str]
    subject: Stated = Field(description="Of a row its key, of a finding of the business the thing it is about.")
    column: Stated
    stored: Stated
    expected: Stated
    text: str

    @classmethod
    def of(cls, finding: Finding) -> "ReconciliationFinding":
        """Write a finding of any section."""
        found = finding.document
        row = ", ".join(f"{name}={value}" for name, value in sorted((found.get("row") or {}).items()))
        ids = found.get("event_ids") or [found.get("event_id")]
        return cls(
            number=finding.number,
            section=finding.section,
            level=found.get("level"),
            event_ids=[event_id for event_id in ids if event_id],
            subject=found.get("subject") or row,
            stored=found.get("stored") or found.get("observed"),
            text=found.get("text") or found.get("detail") or "",
            **{
                name: found.get(name)
                for name in ("model", "check", "store_id", "business_date", "event_type", "kind", "column", "expected")
            },
        )


class FindingPage(BaseModel):
    """One page of findings, in the order in which they were found."""

    rows: list[ReconciliationFinding]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


def _fields(run: Reconciliation) -> dict[str, Any]:
    report = run.report or {}
    own = ("id", "state", "asked_by", "asked_at", "started_at", "finished_at", "holds_since", "verdict", "business_verdict")
    counts = {"difference_count": report.get("difference_count"), "records_read": report.get("log", {}).get("records_read")}
    return {name: getattr(run, name) for name in own} | counts
