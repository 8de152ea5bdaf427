"""The tour of the README, run as it stands: the same commands, in their order, in one shell, on a stack of their own."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.committed import ROOT
from tests.docs.documented import commands_of
from tests.whole_stack import environment, whole_stack

README = ROOT / "README.md"
SHOWN_ADDRESS = "http://127.0.0.1:8080"
NOT_IN_THE_SHELL = ("make", "source", "tillstream up")
MARK = "::command::"


def tour() -> list[str]:
    """Take the commands of the tour that follow the start of the stack; the endless stream is ended after a moment."""
    texts = [command.text for command in commands_of(README) if not command.text.startswith(NOT_IN_THE_SHELL)]
    return [f"{text} --max-time 3 || test $? = 28" if "/stream" in text else text for text in texts]


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_the_tour_of_the_readme_goes_as_it_says(tmp_path: Path) -> None:
    """Every command succeeds, the numbers reconcile, and the receipt that is sent twice counts once."""
    if shutil.which("curl") is None:
        pytest.skip("the tour uses curl, which is not installed here")
    with whole_stack(tmp_path / "data") as stack:
        lines = ["set -euo pipefail"]
        for text in tour():
            lines += [f"echo {MARK}", text.replace(SHOWN_ADDRESS, stack.api_url).replace("curl ", "curl --fail-with-body ", 1)]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = environment(TILLSTREAM_DATA_DIR=str(stack.data_dir), PATH=path)
        done = subprocess.run(["bash", "-c", "\n".join(lines)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)
        with stack.client() as client:
            day = client.get("/v1/kpis/sales", params={"from": "2026-03-05", "until": "2026-03-05"}).json()["totals"]

    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr}"
    said = list(zip(tour(), done.stdout.split(f"{MARK}\n")[1:], strict=True))
    posts = [json.loads(answer)["results"][0]["outcome"] for text, answer in said if "/v1/events" in text]
    stores = [{row["store_id"] for row in json.loads(answer)["rows"]} for text, answer in said if text.endswith("sales?group_by=store'")]
    assert stores == [{"demo-001", "demo-002", "demo-003"}, {"demo-001"}]
    assert posts[0] == "accepted"
    assert posts[1] in {"accepted", "duplicate"}  # known at once only where the index has it already; it counts once either way
    assert [(row["transactions"], row["net_sales"]["minor"]) for row in day] == [(1, 5960)]
    assert re.search(r"\bPASS\b", dict(said)["tillstream reconcile"])


def test_the_tour_is_found() -> None:
    """The tour that is run is the one that is shown."""
    texts = tour()

    assert any(text.startswith("tillstream simulate") for text in texts)
    assert any("/v1/kpis/" in text for text in texts)
    assert "tillstream reconcile" in texts
