"""The buffer is killed with -9 at named points: what was answered arrives, in order; variants that break the promise are found out."""

from pathlib import Path

import httpx
import pytest

from tests.api.store_and_forward.running import NOWHERE, document, edge_config
from tests.api.store_and_forward.scripted_centre import ScriptedCentre, scripted_centre
from tests.api.store_and_forward.serving import EdgeProcess, edge_process

DOCUMENTS = [document(number) for number in range(1, 9)]
IDS = [row["id"] for row in DOCUMENTS]


def post_until_it_dies(running: EdgeProcess) -> list[str]:
    """Post one by one; return the ids that were answered before the process was gone."""
    answered: list[str] = []
    try:
        for row in DOCUMENTS:
            assert running.edge.post(row).status_code == 200
            answered.append(row["id"])
    except httpx.HTTPError:
        pass
    running.await_death()
    return answered


def arrived(centre: ScriptedCentre) -> list[str]:
    """Return the distinct ids in the order in which they came first."""
    return list(dict.fromkeys(centre.taken))


def killed_while_posting(folder: Path, point: str, visit: int, writer: str) -> tuple[list[str], list[str]]:
    """Kill a buffer that takes posts, start it again without a trap; return what was answered and what has arrived in the end."""
    with scripted_centre() as centre:
        config = edge_config(folder / "edge", centre.url)
        with edge_process(config, (point, visit), writer, NOWHERE) as running:
            answered = post_until_it_dies(running)
        with edge_process(config) as running:
            running.edge.await_waiting(0)
        return answered, arrived(centre)


def killed_while_sending(folder: Path, point: str, writer: str) -> list[str]:
    """Fill a buffer, kill it while it sends, start it again without a trap; return what has arrived in the end."""
    with scripted_centre() as centre:
        config = edge_config(folder / "edge", centre.url)
        with edge_process(config, centre=NOWHERE) as running:
            running.edge.buffer(DOCUMENTS)
        with edge_process(config, (point, 1), writer) as running:
            running.await_death()
        with edge_process(config) as running:
            running.edge.await_waiting(0)
        return arrived(centre)


@pytest.mark.parametrize("point", [pytest.param("received", marks=pytest.mark.long), "buffered"])
def test_a_buffer_that_is_killed_while_it_takes_posts_loses_nothing_that_was_answered(tmp_path, point):
    """What had its answer arrives in order; at most the post that was under way arrives beside it."""
    answered, found = killed_while_posting(tmp_path, point, 4, "as it is")

    assert len(answered) == 3
    assert found == IDS[: 3 if point == "received" else 4]


@pytest.mark.parametrize(
    "point", [pytest.param("sending", marks=pytest.mark.long), "sent", pytest.param("removed", marks=pytest.mark.long)]
)
def test_a_buffer_that_is_killed_while_it_sends_loses_nothing(tmp_path, point):
    """Everything arrives in order; repeats have the same ids."""
    assert killed_while_sending(tmp_path, point, "as it is") == IDS


def test_a_till_that_repeats_what_was_not_answered_has_everything_there_once(tmp_path):
    """Buffered but not answered: the repeat is a duplicate with the number that the first had."""
    with scripted_centre() as centre:
        config = edge_config(tmp_path / "edge", centre.url)
        with edge_process(config, ("buffered", 4), centre=NOWHERE) as running:
            answered = post_until_it_dies(running)
        with edge_process(config, centre=NOWHERE) as running:
            again = running.edge.post(DOCUMENTS).json()
        with edge_process(config) as running:
            running.edge.await_waiting(0)

    assert len(answered) == 3
    assert [row["outcome"] for row in again["results"]] == ["duplicate"] * 4 + ["buffered"] * 4
    assert [row["sequence"] for row in again["results"]] == list(range(1, 9))
    assert centre.taken == IDS


@pytest.mark.long
def test_a_buffer_that_answers_before_the_commit_is_found_out(tmp_path):
    """The kill test sees the loss of what was answered and not on the disk."""
    answered, found = killed_while_posting(tmp_path, "buffered", 4, "answers early")

    assert len(answered) == 3
    assert not set(answered) & set(found)


@pytest.mark.long
def test_a_buffer_that_removes_before_the_answer_is_found_out(tmp_path):
    """The kill test sees the loss of what was taken off the list and not yet at the centre."""
    assert killed_while_sending(tmp_path, "sending", "removes early") == []
