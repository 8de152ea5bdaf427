"""Jars: only what the list names ever reaches the cache."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.embedded.kafka_jars import KAFKA, Jar, JarUnavailable, ensure_jars, read_lock
from infra.embedded.progress import Step, silent

CONTENT = b"a jar"
JAR = Jar("org.example:thing:1.0", hashlib.sha256(CONTENT).hexdigest())


def _source(*contents: bytes) -> tuple[Callable[[str, Path], Path], list[str]]:
    """Serve contents one after the other, the last one for ever, and note who asked."""
    asked: list[str] = []

    def fetch(coordinate: str, directory: Path) -> Path:
        content = contents[min(len(asked), len(contents) - 1)]
        asked.append(coordinate)
        path = directory / "fetched.jar"
        path.write_bytes(content)
        return path

    return fetch, asked


def test_a_jar_with_another_hash_is_refused_and_not_kept(tmp_path: Path) -> None:
    """The error names the jar and both hashes; the cache stays empty."""
    fetch, asked = _source(b"something else")

    with pytest.raises(JarUnavailable, match=r"org.example:thing:1.0.*SHA-256"):
        ensure_jars(tmp_path, [JAR], silent, fetch)

    assert len(asked) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_download_is_fetched_again(tmp_path: Path) -> None:
    """A second attempt that is whole is taken."""
    fetch, asked = _source(CONTENT[:2], CONTENT)
    steps: list[Step] = []

    paths = ensure_jars(tmp_path, [JAR], steps.append, fetch)

    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert len(asked) == 2
    assert (steps[-1].done, steps[-1].total) == (1, 1)


def test_a_damaged_jar_in_the_cache_is_replaced_and_a_sound_one_kept(tmp_path: Path) -> None:
    """The cache is checked at every start, and only what is wrong is fetched."""
    fetch, asked = _source(CONTENT)
    (tmp_path / JAR.file_name).write_bytes(CONTENT[:3])

    ensure_jars(tmp_path, [JAR], silent, fetch)
    (path,) = ensure_jars(tmp_path, [JAR], silent, fetch)

    assert path.read_bytes() == CONTENT
    assert len(asked) == 1


def test_a_registry_that_does_not_answer_is_told_with_the_jar(tmp_path: Path) -> None:
    """What the downloader raised becomes our error, with the jar's name."""

    def fetch(coordinate: str, directory: Path) -> Path:
        raise ConnectionError(f"no route for {coordinate}, wanted in {directory.name}")

    with pytest.raises(JarUnavailable, match=r"org.example:thing:1.0.*no route"):
        ensure_jars(tmp_path, [JAR], silent, fetch)


def test_the_committed_list_is_one_kafka_and_a_log_binding_of_its_log4j() -> None:
    """No jar twice, Kafka's parts of one version, no addresses."""
    jars = read_lock()
    artifacts = {jar.coordinate.split(":")[1]: jar.coordinate.split(":")[2] for jar in jars}

    assert len(artifacts) == len(jars)
    assert KAFKA in {jar.coordinate for jar in jars}
    assert {version for name, version in artifacts.items() if name.startswith("kafka")} == {KAFKA.split(":")[2]}
    assert artifacts["log4j-slf4j-impl"] == artifacts["log4j-core"]
    assert all(len(jar.sha256) == 64 and "/" not in jar.coordinate for jar in jars)
