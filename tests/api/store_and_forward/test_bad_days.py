"""A whole bad day: a centre that answers anything, answers that get lost, restarts in between; order and completeness hold."""

from random import Random

import pytest

from tests.api.store_and_forward.running import document, edge_config, running_edge
from tests.api.store_and_forward.scripted_centre import Answer, Batch, outcomes, scripted_centre

COUNT = 60
REJECTED = {f"id-{number}" for number in range(0, COUNT, 17)}


class BadDay:
    """A centre in all its moods; notes what has landed, whether or not the buffer is told."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.landed: list[str] = []

    def __call__(self, batch: Batch) -> Answer:
        """Answer a batch in one of the moods."""
        mood = self._random.choice([self.takes, self.takes, self.takes_and_is_not_heard, self.is_away, self.is_away])
        return mood(batch)

    def takes(self, batch: Batch) -> Answer:
        """Decide on each event."""
        self.landed += [row["id"] for row in batch if row["id"] not in REJECTED]
        words = ["rejected" if row["id"] in REJECTED else "accepted" for row in batch]
        return Answer(207 if "accepted" in words else 422, {"code": "events_rejected", "results": outcomes(batch, *words)})

    def takes_and_is_not_heard(self, batch: Batch) -> Answer:
        """Take everything; something on the way answers instead."""
        self.takes(batch)
        return self._random.choice([Answer(200, b"<html>"), Answer(502), Answer(504, b"timeout"), Answer(200, {"results": []})])

    def is_away(self, batch: Batch) -> Answer:
        """Take nothing."""
        unacknowledged = Answer(503, {"code": "not_durable", "results": outcomes(batch, "unacknowledged")}, {"Retry-After": "0"})
        expired = Answer(401, {"code": "token_expired"})
        return self._random.choice([unacknowledged, expired, Answer(429), Answer(302), Answer(413), Answer(404), Answer(408)])


def after_a_bad_day(folder, day: BadDay) -> tuple[list[str], dict]:
    """Post everything through three lives of a buffer; return what has landed, each once, and the last health."""
    documents = [document(number) for number in range(COUNT)]
    with scripted_centre(then=day) as centre:
        config = edge_config(folder / "edge", centre.url, token_hold_seconds=0.01, idle_seconds=0.01)
        for life in range(3):
            with running_edge(config) as edge:
                edge.buffer(documents[life * 20 : life * 20 + 20])
        centre.then = day.takes
        with running_edge(config) as edge:
            edge.await_waiting(0)
            return list(dict.fromkeys(day.landed)), edge.health()


@pytest.mark.parametrize("seed", range(4))
def test_after_a_bad_day_everything_has_landed_in_order(tmp_path, seed):
    """Each event first arrives after those before it; what was rejected is among the refused, and nothing waits."""
    landed, health = after_a_bad_day(tmp_path, BadDay(seed))

    assert landed == [f"id-{number}" for number in range(COUNT) if f"id-{number}" not in REJECTED]
    assert (health["waiting"], health["refused"]) == (0, len(REJECTED))
