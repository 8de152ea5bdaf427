"""Write a draft as a mapping file, with a comment beside each choice: how sure it is, and what it is based on."""

from collections.abc import Iterable, Iterator

from producers.mappings.drafting.draft import Draft, Entry
from producers.mappings.drafting.kinds import DraftRule
from producers.mappings.drafting.yaml_text import beside, entry, scalar

_LEFT_AS_IT_IS = {"skip_lines": 0, "thousands_mark": ""}


def written(draft: Draft) -> str:
    """Return the text of the mapping file."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    sample, settled = draft.look.sample, draft.settled
    looked = sum(len(run) for run in sample.runs)
    yield f"# Drafted from {draft.look.name}: {sample.total_rows:,} rows, of which {looked:,} were looked at."
    yield "# Beside each choice stands how sure it is and what it is based on. Check what is unsure; replace each TO DECIDE."
    yield ""
    yield entry(0, "name", draft.name, "part of the identity of every event: keep it once something was loaded")
    yield entry(0, "tenant", settled.tenant.value, settled.tenant.comment())
    yield from ("", "format:", *_entries(_telling(draft.look.findings)))
    yield from ("", "columns:", *_entries(draft.columns), *(beside("", note) for note in draft.left_out))
    yield from ("", "stores:", entry(1, "prefix", f"{draft.name}."), *_entries(draft.stores), "  defaults:")
    for key in ("timezone", "currency", "country"):
        finding = getattr(settled, key)
        yield entry(2, key, finding.value, finding.comment())
    yield entry(2, "cut_off_hour", 0, "unsure: the hour at which a new business date begins")
    yield from ("", "# The first rule that fits decides.", "rules:")
    for rule in draft.rules:
        yield from _rule(rule)
    yield "  - class: quarantined  # what no rule describes is kept apart and can be looked at"
    yield "    reason: no_known_kind"
    yield "    expected: a sale, a return, or another line that a rule of the mapping describes"


def _telling(findings: Iterable[Entry]) -> Iterator[Entry]:
    return ((key, finding) for key, finding in findings if _LEFT_AS_IT_IS.get(key) != finding.value)


def _entries(entries: Iterable[Entry]) -> Iterator[str]:
    return (entry(1, key, finding.value, finding.comment()) for key, finding in entries)


def _rule(rule: DraftRule) -> Iterator[str]:
    yield beside(f"  - class: {rule.line_class}", rule.comment())
    if rule.side:
        yield f"    side: {rule.side}"
    yield "    when:"
    yield from (f"      - {scalar(condition)}" for condition in rule.when)
