"""A read model that is declared is run (by the supervisor, in containers, by hand as the guide says it), and its status is told."""

import re
from typing import Any

import yaml

from api.routes.status import PROJECTIONS as TOLD
from projections.catalogue import PROJECTIONS
from tests.architecture.committed import ROOT
from tillstream.composition import CLICKHOUSE_MODELS, POSTGRES_MODELS


def test_the_supervisor_runs_each_model_beside_the_others_of_its_store() -> None:
    """One process a store: a model in neither would stand still without anybody saying so."""
    for store, models in (("postgres", POSTGRES_MODELS), ("clickhouse", CLICKHOUSE_MODELS)):
        assert sorted(models) == sorted(name for name, declared in PROJECTIONS.items() if declared.store == store)


def test_the_containers_run_what_the_supervisor_runs() -> None:
    """The same models in the same processes."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    for name, models in (("projections-postgres", POSTGRES_MODELS), ("projections-clickhouse", CLICKHOUSE_MODELS)):
        command = services[name]["command"]
        assert tuple(command[1 : command.index("--ready-file")]) == models


def test_the_status_tells_of_every_model() -> None:
    """The API does not know what writes read models, so it has the names once more."""
    assert sorted(TOLD) == sorted(PROJECTIONS)


def test_the_guide_names_every_model() -> None:
    """Whoever starts processes by hand starts them all."""
    shown = re.findall(r"^\$ tillstream project (.+)$", (ROOT / "docs/guides/operate.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(name for line in shown for name in line.split()) == sorted(PROJECTIONS)
