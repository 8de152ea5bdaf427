"""`tillstream alerts` as its operator runs it, against real servers."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.identifiers import alert_id, derived_id
from infra.addresses import Addresses
from tests.api.alerts import publish, transition
from tests.api.world import catch_up, projected
from tests.command_line import environment, run

pytestmark = pytest.mark.stack

ALERT = str(alert_id("no_show", "A", "e1", "w"))
MODELS = ("open_alerts", "stores", "event_index")
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def alerts(stores: Addresses, tmp_path: Path) -> Command:
    """Run a sub-command of `tillstream alerts` against the place."""
    place = environment(
        TILLSTREAM_KAFKA_BOOTSTRAP=stores.kafka_bootstrap,
        TILLSTREAM_POSTGRES_DSN=stores.postgres_dsn,
        TILLSTREAM_CLICKHOUSE_URL=stores.clickhouse_url,
        TILLSTREAM_TOPIC_PREFIX=stores.topic_prefix,
        TILLSTREAM_DATA_DIR=str(tmp_path / "data"),
    )

    return lambda *words: run("alerts", *words, check=False, env=place)


def test_an_operator_lists_looks_and_answers(stores, alerts):
    """One of two alerts by severity, whole with its evidence; an answer with a key counts once, and closes it for the list."""
    asyncio.run(publish(stores, [transition("A", "e1", 1), transition("B", "e2", 1, severity="high")]))
    with projected(stores, *MODELS):
        catch_up(stores, *MODELS)
        (row,) = [json.loads(line) for line in alerts("list", "--json", "--severity", "medium", "--due").stdout.splitlines()]
        assert (row["alert_id"], row["status"], row["evidence"]["observed"]) == (ALERT, "raised", "no punch")
        assert "e2 did not come" in alerts("list", "--store", "B").stdout
        done = alerts("answer", ALERT, "resolved", "--note", "sick", "--by", "kim", "--key", "7")
        assert (done.returncode, done.stdout.split()[0]) == (0, "accepted:"), done.stderr
        catch_up(stores, *MODELS)
        again = alerts("answer", ALERT, "resolved", "--note", "sick", "--by", "kim", "--key", "7")
        assert again.stdout == done.stdout.replace("accepted", "duplicate"), again.stderr
        shown = alerts("show", ALERT).stdout
        assert "status      resolved (provisional, medium); the rule says raised" in shown
        assert "resolved by kim" in shown
        assert ALERT not in alerts("list", "--rule", "no_show").stdout


@pytest.mark.long
def test_what_cannot_be_answered_is_said_in_one_sentence(stores, alerts):
    """An unknown alert ends with 1, a wrong word with 64; neither with a trace."""
    unknown = alerts("answer", str(derived_id("nobody")), "resolved")
    assert (unknown.returncode, unknown.stderr.startswith("there is no alert")) == (1, True)
    assert alerts("show", str(derived_id("nobody"))).returncode == 1
    assert alerts("answer", ALERT, "perhaps").returncode == 64
    assert alerts("answer", ALERT, "resolved", "--note", "x" * 501).returncode == 64
    assert alerts("list").stdout.strip() == "nothing fits"
