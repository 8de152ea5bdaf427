"""Settings and addresses without a running stack, ports, and which Java is taken."""

import socket
from pathlib import Path

import pytest

from infra.addresses import LogUnreachable, StackNotRunning, log_id_of, resolve_addresses
from infra.embedded.kafka import find_java
from infra.embedded.ports import LOOPBACK, choose_ports
from infra.settings import load_settings


def test_the_environment_is_read_and_overrides_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Prefix TILLSTREAM_, JAVA_HOME as everybody names it, the cache where XDG says; empty is not given."""
    monkeypatch.setenv("TILLSTREAM_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TILLSTREAM_PARTITIONS", "12")
    monkeypatch.setenv("TILLSTREAM_POSTGRES_DSN", "")
    monkeypatch.setenv("JAVA_HOME", "/java")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")

    settings = load_settings(partitions=3, time="simulated", data_dir=None)

    assert (settings.data_dir, settings.partitions, settings.time) == (tmp_path, 3, "simulated")
    assert (settings.postgres_dsn, settings.java_home) == (None, Path("/java"))
    assert settings.cache_dir == Path("/cache/tillstream")


def test_without_a_stack_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the directory, the command and the variable."""
    monkeypatch.delenv("TILLSTREAM_KAFKA_BOOTSTRAP", raising=False)

    with pytest.raises(StackNotRunning, match=r"tillstream up.*TILLSTREAM_KAFKA_BOOTSTRAP") as raised:
        resolve_addresses(load_settings(data_dir=tmp_path))

    assert raised.value.data_dir == tmp_path


def test_a_given_broker_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """Without the log's id nothing may start."""
    port = choose_ports(tmp_path, ["nobody"])["nobody"]

    with pytest.raises(LogUnreachable, match=str(port)):
        log_id_of(f"{LOOPBACK}:{port}")


def test_ports_stay_the_same_while_they_are_free(tmp_path: Path) -> None:
    """The next start takes the same ports, and another only where one is taken."""
    first = choose_ports(tmp_path, ["one", "two"])
    again = choose_ports(tmp_path, ["one", "two"])
    with socket.create_server((LOOPBACK, first["one"])):
        moved = choose_ports(tmp_path, ["one", "two"])

    assert again == first
    assert moved["one"] != first["one"]
    assert moved["two"] == first["two"]


def test_a_java_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    """JAVA_HOME counts from Java 17 on; else the wheel's own serves."""
    for version in ("11.0.2", "21.0.1"):
        home = tmp_path / version
        (home / "bin").mkdir(parents=True)
        (home / "bin" / "java").touch()
        (home / "release").write_text(f'JAVA_VERSION="{version}"\n')

    assert find_java(tmp_path / "21.0.1") == tmp_path / "21.0.1" / "bin" / "java"
    assert find_java(tmp_path / "11.0.2") == find_java(None)
