"""Pages link to what is there, name files that exist, show figures that were measured, and an example that loads."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.csv_file import opened
from producers.mappings.reader import parse_mapping
from producers.sources.mapped_csv import Shape, Translation
from tests.architecture.committed import ROOT
from tests.benchmarks.__main__ import MEASUREMENTS
from tests.benchmarks.results import BEGIN, EVALUATION, PERFORMANCE, Shelf, page_with_table
from tests.benchmarks.series import Series
from tests.docs.documented import pages
from tests.evaluation.__main__ import EVALUATIONS

LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)\)")
NAMED_FILE = re.compile(
    r"`((?:contracts|producers|processors|projections|api|infra|tillstream|tests|docs|deploy|requirements)/[\w./-]*[\w/])`"
)
GUIDE = ROOT / "docs/guides/load-your-own-export.md"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_named_files_lead_somewhere(page: Path) -> None:
    """A reader who follows a link or opens a named file finds it."""
    text = page.read_text("utf-8")
    linked = [target for target in LINK.findall(text) if "://" not in target and not (page.parent / target).exists()]
    named = [name for name in NAMED_FILE.findall(text) if not (ROOT / name).exists()]

    assert (linked, named) == ([], [])


def test_every_decision_says_what_enforces_it() -> None:
    """A decision that nothing enforces is a wish."""
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert len(decisions) >= 3
    for page in decisions:
        headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Enforced by"], page.name


@pytest.mark.parametrize("shelf", [PERFORMANCE, EVALUATION], ids=lambda shelf: shelf.folder.name)
def test_the_tables_of_figures_are_made_from_the_committed_results(shelf: Shelf) -> None:
    """No figure is typed by hand."""
    text = shelf.page.read_text("utf-8")

    assert page_with_table(shelf, text) == text


@pytest.mark.parametrize("series", [MEASUREMENTS, EVALUATIONS], ids=lambda series: series.noun)
def test_every_measurement_and_evaluation_is_described(series: Series) -> None:
    """A figure without its method says nothing."""
    text = series.shelf.page.read_text("utf-8").partition(BEGIN)[0]

    assert [name for name in series.modules if f"`{name}`:" not in text] == []
    assert {path.stem for path in series.shelf.results.glob("*.json")} <= set(series.modules)


def test_a_measurement_that_does_not_exist_is_refused_before_any_is_run() -> None:
    """A misspelt name must not cost the minutes of the others."""
    assert MEASUREMENTS.run(["stack_start", "stack_strat"]) == 64


def test_the_export_of_the_guide_loads_with_its_mapping(tmp_path: Path) -> None:
    """The guide's four lines become two sales and a return, with the service line, the discount and the cut-off as described."""
    text = GUIDE.read_text("utf-8")
    lines = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    mapping = re.search(r"<!-- mapping begin -->\n```yaml\n(.*?)```", text, re.DOTALL)
    assert lines
    assert mapping
    file = tmp_path / "sales.csv"
    file.write_text(lines[1], encoding="utf-8")
    how = parse_mapping(mapping[1])

    with opened(file, how.format) as (header, rows):
        shape = Shape(how, header)
        counts = shape.count(rows)
    translation = Translation(shape, counts, datetime(2026, 11, 22, tzinfo=UTC))
    with opened(file, how.format) as (_, rows):
        events = [found.event for row in rows for found in translation.add(row)]

    assert dict(translation.tally.classes) == {"sold": 2, "service": 1, "returned": 1}
    assert sorted((event.type, event.store_id, str(event.envelope.business_date)) for event in events) == [
        ("sale.completed.v1", "hanbit.gangnam", "2026-11-20"),
        ("sale.completed.v1", "hanbit.hongdae", "2026-11-20"),
        ("sale.returned.v1", "hanbit.gangnam", "2026-11-20"),
    ]
