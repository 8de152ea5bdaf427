"""The till's side: every item has an answer, nothing is answered before it is on the disk, and only tills are let in."""

import gzip
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.edge.documents import NDJSON
from api.store_and_forward.database import FILE_NAME
from tests.api.store_and_forward.running import document, edge_config, running_edge, till, written


def test_each_item_of_a_post_has_its_own_fate(tmp_path):
    """Buffered with a number, duplicate with the same number, rejected with problems; 200, 207 or 422 for all together."""
    with running_edge(edge_config(tmp_path / "edge")) as edge:
        first = edge.post(document(1))
        mixed = edge.post([document(1), document(1, data={}), document(2), {"id": "x"}, document(2)])
        none = edge.post([{"id": "x"}])

    assert (first.status_code, first.json()["results"]) == (
        200,
        [{"index": 0, "id": "id-1", "outcome": "buffered", "sequence": 1, "problems": []}],
    )
    rows = mixed.json()["results"]
    assert (mixed.status_code, [mixed.json()[name] for name in ("buffered", "duplicate", "rejected")]) == (207, [1, 2, 2])
    assert [row["outcome"] for row in rows] == ["duplicate", "rejected", "buffered", "rejected", "duplicate"]
    assert [row.get("sequence") for row in rows] == [1, None, 2, None, 2]
    assert [problem["code"] for row in rows for problem in row["problems"]] == ["conflicting_duplicate", "missing"]
    assert (none.status_code, none.json()["code"], len(none.json()["results"])) == (422, "events_rejected", 1)


def test_every_form_of_body_that_the_centre_takes_is_taken(tmp_path):
    """Single documents, batches and lines, also compressed; what the centre refuses as a whole is refused here too."""
    lines = b"\n".join([*written([document(1), document(2)]), b"{"])
    packed = {"Content-Type": NDJSON, "Content-Encoding": "gzip"}
    with running_edge(edge_config(tmp_path / "edge")) as edge:
        answer = edge.client.post("/v1/events", content=lines, headers={"Content-Type": NDJSON})
        repeat = edge.client.post("/v1/events", content=gzip.compress(lines), headers=packed)
        unknown = edge.client.post("/v1/events", content=lines, headers={"Content-Type": "text/csv"})
        endless = edge.client.post("/v1/events", json=document(3, data="x" * 1_100_000))

    assert [row["outcome"] for row in answer.json()["results"]] == ["buffered", "buffered", "rejected"]
    assert [row["outcome"] for row in repeat.json()["results"]] == ["duplicate", "duplicate", "rejected"]
    assert [(row.status_code, row.json()["code"]) for row in (unknown, endless)] == [
        (415, "unsupported_media_type"),
        (413, "body_too_large"),
    ]


def test_only_the_holder_of_the_key_may_post(tmp_path):
    """The key is made at the first start, is readable by its owner alone, and stays the same."""
    key = tmp_path / "edge" / "secrets" / "till-key"
    with running_edge(edge_config(tmp_path / "edge")) as edge:
        before = key.read_text()
        statuses = [
            httpx.post(f"{edge.url}/v1/events", json=document(1), headers=headers).status_code
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {before}"})
        ]
        assert (edge.health()["waiting"], statuses) == (0, [401, 401, 401])
    with running_edge(edge_config(tmp_path / "edge")) as edge:
        assert edge.post(document(1)).status_code == 200

    assert (stat.S_IMODE(key.stat().st_mode), key.read_text()) == (0o600, before)


def test_a_full_buffer_says_so_and_keeps_what_it_has(tmp_path):
    """507 with Retry-After, nothing of the post is kept, repeats of the till get their answer when there is room again."""
    with running_edge(edge_config(tmp_path / "edge", max_bytes=150_000)) as edge:
        answers = [edge.post(document(number, data="x" * 10_000)) for number in range(20)]
        kept = sum(answer.status_code == 200 for answer in answers)
        health = edge.health()

    assert 5 <= kept < 20
    assert {answer.status_code for answer in answers[kept:]} == {507}
    assert (answers[-1].json()["code"], int(answers[-1].headers["retry-after"])) == ("buffer_full", 30)
    assert health["waiting"] == kept


def test_a_file_that_cannot_be_written_is_a_503_and_loses_nothing(tmp_path):
    """What was answered stays; what failed can be posted again as soon as there is room."""
    config = edge_config(tmp_path / "edge")
    with running_edge(config) as edge:
        edge.buffer([document(1)])
    with running_edge(config) as edge, sqlite3.connect(config.directory / FILE_NAME) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = edge.post(document(2))
        other.rollback()
        again = edge.post([document(1), document(2)])

    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "not_written", "5")
    assert [row["outcome"] for row in again.json()["results"]] == ["duplicate", "buffered"]


@pytest.mark.parametrize("tills", [8])
def test_tills_that_post_at_once_share_commits_and_each_keeps_its_order(tmp_path, tills):
    """Numbers of one till rise in the order in which it posted; all numbers differ."""
    config = edge_config(tmp_path / "edge")
    with running_edge(config) as edge:

        def post(number: int) -> list[int]:
            with till(edge.url, config.directory) as client:
                answers = [client.post("/v1/events", json=document(f"{number}-{row}")).json() for row in range(25)]
            return [answer["results"][0]["sequence"] for answer in answers]

        with ThreadPoolExecutor(tills) as pool:
            numbers = list(pool.map(post, range(tills)))
        assert edge.health()["waiting"] == tills * 25

    assert all(row == sorted(row) for row in numbers)
    assert sorted(number for row in numbers for number in row) == list(range(1, tills * 25 + 1))
