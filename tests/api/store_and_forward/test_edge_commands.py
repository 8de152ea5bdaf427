"""The commands of an operator: run, status, refused, retry; beside a running buffer and without one."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api.store_and_forward.database import FILE_NAME
from tests.api.store_and_forward.running import NOWHERE, document, edge_config, running_edge, till
from tests.api.store_and_forward.scripted_centre import Answer, outcomes, scripted_centre, takes_all
from tests.command_line import TILLSTREAM, environment, run
from tests.waiting import patience, until


@contextmanager
def run_command(directory: Path, centre: str) -> Iterator[subprocess.Popen[str]]:
    """Run `tillstream edge run` while the body runs."""
    token_file = edge_config(directory).token_file
    words = ["edge", "run", "--centre", centre, "--token-file", str(token_file), "--dir", str(directory)]
    process = subprocess.Popen([*TILLSTREAM, *words], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        assert "takes events at http://127.0.0.1:" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def address(directory: Path) -> str:
    """Return where the buffer says that it listens."""
    return str(json.loads((directory / "edge.json").read_text("utf-8"))["address"])


def shown(command: str, directory: Path, *words: str) -> object:
    """Run a command for machines."""
    return json.loads(run("edge", command, "--dir", str(directory), *words, "--json").stdout)


def test_a_buffer_stops_gently_and_shows_what_waits_with_and_without_its_process(tmp_path):
    """SIGTERM ends it with status 0; the status is that of the health, in both forms."""
    directory = tmp_path / "edge"
    with run_command(directory, NOWHERE) as process:
        with till(address(directory), directory) as client:
            assert client.post("/v1/events", json=[document(1), document(2)]).status_code == 200
            until(lambda: client.get("/health").json()["last_error"], 30, "the centre was tried")
        beside = shown("status", directory)
        twice = run("edge", "run", "--centre", NOWHERE, "--token-file", "none", "--dir", str(directory), check=False)
        process.send_signal(signal.SIGTERM)
        assert process.wait(patience(20)) == 0
    after = shown("status", directory)
    lines = run("edge", "status", "--dir", str(directory)).stdout.splitlines()

    assert isinstance(beside, dict)
    assert isinstance(after, dict)
    assert [(row["state"], row["waiting"], row["refused"]) for row in (beside, after)] == [("centre_away", 2, 0)] * 2
    assert {"state: centre_away", "waiting: 2", "last contact at: none"} <= set(lines)
    assert (twice.returncode, "already" in twice.stderr) == (1, True)


def test_a_killed_buffer_can_be_looked_at_before_it_is_started_again(tmp_path):
    """Reading recovers what was committed and changes nothing."""
    directory = tmp_path / "edge"
    with run_command(directory, NOWHERE) as process, till(address(directory), directory) as client:
        assert client.post("/v1/events", json=document(1)).status_code == 200
        process.kill()
        process.wait()

    found = shown("status", directory)
    assert isinstance(found, dict)
    assert found["waiting"] == 1


def test_a_refused_event_is_listed_with_its_reasons_and_put_back(tmp_path):
    """The list names id, type and problems; after the retry the running buffer sends it; an unknown id is said to be unknown."""
    directory = tmp_path / "edge"
    rejects = lambda batch: Answer(422, {"code": "events_rejected", "results": outcomes(batch, "rejected")})  # noqa: E731
    with scripted_centre(then=rejects) as centre, running_edge(edge_config(directory, centre.url)) as edge:
        edge.buffer([document(1)])
        edge.await_waiting(0)
        refusals = shown("refused", directory)
        table = run("edge", "refused", "--dir", str(directory)).stdout
        unknown = run("edge", "retry", "--dir", str(directory), "--id", "id-9", check=False)
        centre.then = takes_all
        run("edge", "retry", "--dir", str(directory), "--id", "id-1")
        until(lambda: centre.taken, 30, "it was sent again")
        until(lambda: edge.health()["waiting"] == 0, 30, "it is off the list")
        assert shown("refused", directory) == []

    assert isinstance(refusals, list)
    assert [(row["sequence"], row["id"], row["type"], row["problems"][0]["code"]) for row in refusals] == [
        (1, "id-1", "sale.completed.v1", "missing")
    ]
    assert "missing at /data: expected Field required" in " ".join(table.split())
    assert (unknown.returncode, unknown.stderr.strip()) == (1, "not among the refused: id-9")
    assert centre.taken == ["id-1"]


def test_a_directory_without_a_buffer_and_an_address_that_is_none_are_refused(tmp_path):
    """One sentence and a status, no stack trace."""
    missing = run("edge", "status", "--dir", str(tmp_path), check=False)
    wrong = run("edge", "run", "--centre", "centre", "--token-file", "t", "--dir", str(tmp_path / "new"), check=False)

    assert (missing.returncode, missing.stderr.strip()) == (
        1,
        f"there is no edge buffer in {tmp_path}: `tillstream edge run` makes one",
    )
    assert (wrong.returncode, "https://" in wrong.stderr) == (64, True)
    assert not (tmp_path / "new").exists()


@pytest.mark.long
@pytest.mark.parametrize("words", [["status"], ["refused"], ["retry", "--id", "a"], ["run", "--centre", NOWHERE, "--token-file", "t"]])
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path, words):
    """Whoever repairs it must find it untouched."""
    file = tmp_path / FILE_NAME
    file.write_bytes(b"no database" * 1000)
    before = file.read_bytes()

    done = run("edge", *words, "--dir", str(tmp_path), check=False)

    assert done.returncode == 1
    assert f"the edge buffer in {tmp_path}" in done.stderr
    assert file.read_bytes() == before


@pytest.mark.long
def test_a_port_that_is_taken_is_said_in_one_sentence(tmp_path):
    """The address is named; nothing else runs meanwhile."""
    with running_edge(edge_config(tmp_path / "edge")) as edge:
        port = httpx.URL(edge.url).port
        words = ["--centre", NOWHERE, "--token-file", "t", "--dir", str(tmp_path / "other"), "--port", str(port)]
        done = run("edge", "run", *words, check=False)

    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("command", ["run", "status", "refused", "retry"])
def test_each_command_explains_itself(command):
    """`--help` is the map."""
    assert "--dir" in run("edge", command, "--help").stdout
