"""What a measurement or an evaluation says and where it is kept: one JSON file each, with the machine's size and the date."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.clock import utc_now

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- results begin -->", "<!-- results end -->"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where results of one sort are kept, and the page that shows them."""

    folder: Path

    @property
    def results(self) -> Path:
        """Return the folder of the files."""
        return self.folder / "results"

    @property
    def page(self) -> Path:
        """Return the page with the table."""
        return self.folder / "README.md"


PERFORMANCE = Shelf(ROOT / "docs" / "performance")
EVALUATION = Shelf(ROOT / "docs" / "evaluation")


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure; `against` and `ratio` (this ÷ that) where it is a comparison from the same run."""

    metric: str
    value: float
    unit: str
    against: str | None = None
    ratio: float | None = None


def machine() -> dict[str, object]:
    """Say how large this machine is, and nothing that identifies it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def write_result(shelf: Shelf, name: str, metrics: Iterable[Metric]) -> Path:
    """Write one result file and bring the table of its page up to date."""
    rows = [{k: v for k, v in asdict(metric).items() if v is not None} for metric in metrics]
    shelf.results.mkdir(parents=True, exist_ok=True)
    path = shelf.results / f"{name}.json"
    result = {"name": name, "date": utc_now().date().isoformat(), "machine": machine(), "results": rows}
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    shelf.page.write_text(page_with_table(shelf, shelf.page.read_text("utf-8")), encoding="utf-8")
    return path


def table(shelf: Shelf) -> str:
    """Make the Markdown table of all committed results."""
    lines = ["| measurement | figure | value | compared | machine | date |", "|---|---|---:|---|---|---|"]
    for path in sorted(shelf.results.glob("*.json")):
        result = json.loads(path.read_text("utf-8"))
        size = f"{result['machine']['cores']} cores, {result['machine']['memory_gib']} GiB"
        for row in result["results"]:
            compared = f"{row['ratio']:g} × {row['against']}" if "ratio" in row else row.get("against", "")
            lines.append(
                f"| {result['name']} | {row['metric']} | {row['value']:,.10g} {row['unit']} | {compared} | {size} | {result['date']} |"
            )
    return "\n".join(lines)


def page_with_table(shelf: Shelf, text: str) -> str:
    """Return the page with the part between its markers replaced by the table."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table(shelf)}\n{END}{tail}"
