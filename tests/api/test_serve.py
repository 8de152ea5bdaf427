"""The process around the app: it says where it serves, and ends gently while posts and streams are open."""

import json
import signal
import subprocess
import sys
import threading
from dataclasses import asdict

import httpx
import pytest

from contracts.topics import STORE_FACTS
from tests.api.events import sale
from tests.api.log_reader import events_on
from tests.api.running import ServedApi
from tests.waiting import patience, until

pytestmark = pytest.mark.stack


def test_a_gentle_stop_ends_streams_answers_what_is_in_flight_and_loses_nothing(stores):
    """SIGTERM with an open stream and posts in flight: status 0 within seconds, every 200 is on the log."""
    process = subprocess.Popen([sys.executable, "-m", "tests.api.serving", json.dumps(asdict(stores))], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        api = ServedApi(process.stdout.readline().strip())
        until(api.is_ready, 30, "the API is ready")
        accepted: list[str] = []
        is_refused = threading.Event()

        def post() -> None:
            client = api.client("manager", "A")
            number = 0
            while not is_refused.is_set():
                number += 1
                try:
                    answer = client.post("/v1/events", json=sale("A", number))
                except httpx.HTTPError:
                    is_refused.set()
                else:
                    accepted.extend(row["id"] for row in answer.json()["results"] if answer.status_code == 200)

        poster = threading.Thread(target=post)
        poster.start()
        with api.client().stream("GET", "/v1/alerts/stream") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 1000"
            until(lambda: len(accepted) > 20, 30, "posts are accepted")
            process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line.startswith("data")] == []
        poster.join()
        assert process.wait(patience(60)) == 0
        on_log = {str(event.id) for event in events_on(stores, STORE_FACTS).values()}
        assert set(accepted) <= on_log
    finally:
        process.kill()
        process.wait()
