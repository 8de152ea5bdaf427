"""The jars Apache Kafka runs from: fetched once, checked against a committed list, kept in a cache.

The list (`kafka_jars.txt`) holds a coordinate and a SHA-256 per line, no addresses. It is written by
`python -m infra.embedded.kafka_jars --lock`, which resolves Kafka alone: resolved together with a
log binding, the binding's own dependency management would pull another version of Kafka's client.
"""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.progress import Progress, Step
from infra.embedded.stack_error import StackError

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl"
LOG_BINDING_LIKE = "log4j-core"
LOCK_FILE = Path(__file__).with_name("kafka_jars.txt")

_THREADS = 4
_ATTEMPTS = 3
_TIMEOUT_SECONDS = 30


class JarUnavailable(StackError):
    """A jar could not be had, or what came is not what the list names."""

    def __init__(self, coordinate: str, reason: str) -> None:
        super().__init__(f"jar {coordinate}: {reason}")
        self.coordinate = coordinate
        self.reason = reason


@dataclass(frozen=True)
class Jar:
    """One line of the list."""

    coordinate: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Return the name under which the cache keeps it."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


Fetch = Callable[[str, Path], Path]
"""Download the jar of a coordinate below a directory and return where it is; may raise anything."""


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """Read the committed list."""
    lines = (line.split("#")[0].split() for line in path.read_text("ascii").splitlines())
    return [Jar(fields[0], fields[1]) for fields in lines if fields]


def fetch_from_registry(coordinate: str, directory: Path) -> Path:
    """Download one jar without its POM and dependencies from the central Maven registry."""
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415  (of the `embedded` extra)

    group, artifact, version = coordinate.split(":")
    context = MavenContext(repo_cache=directory, resolver=PythonResolver(), local_repos=[], timeout=_TIMEOUT_SECONDS)
    found = context.project(group, artifact).at_version(version).artifact(packaging="jar").resolve()
    return Path(found)


def missing_jars(cache: Path, jars: Iterable[Jar]) -> list[Jar]:
    """Return the jars that the cache lacks or holds damaged."""
    return [jar for jar in jars if not _is_intact(cache / jar.file_name, jar.sha256)]


def ensure_jars(cache: Path, jars: Iterable[Jar], progress: Progress, fetch: Fetch = fetch_from_registry) -> list[Path]:
    """Return the path of every jar, fetching those that the cache lacks or holds damaged.

    Raises `JarUnavailable` naming the jar; what is in the cache always has its right hash.
    """
    wanted = list(jars)
    cache.mkdir(parents=True, exist_ok=True)
    missing = missing_jars(cache, wanted)
    if missing:
        progress(Step("kafka", "fetching jars", 0, len(missing)))
        with ThreadPoolExecutor(_THREADS) as pool:
            running = [pool.submit(_obtain, jar, cache, fetch) for jar in missing]
            try:
                for done, future in enumerate(as_completed(running), start=1):
                    future.result()
                    progress(Step("kafka", "fetching jars", done, len(missing)))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    return [cache / jar.file_name for jar in wanted]


def _obtain(jar: Jar, cache: Path, fetch: Fetch) -> None:
    reason = "not tried"
    for _ in range(_ATTEMPTS):
        part = Path(tempfile.mkdtemp(prefix=f"{jar.file_name}.", suffix=".part", dir=cache))
        try:
            fetched = fetch(jar.coordinate, part)
            actual = _sha256(fetched)
            if actual == jar.sha256:
                fetched.replace(cache / jar.file_name)
                return
            reason = f"its SHA-256 is {actual}, the list says {jar.sha256}"
        except Exception as error:  # noqa: BLE001  (whatever its HTTP library raises)
            reason = f"not fetched: {error}"
        finally:
            shutil.rmtree(part, ignore_errors=True)
    raise JarUnavailable(jar.coordinate, reason)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_intact(path: Path, sha256: str) -> bool:
    return path.is_file() and _sha256(path) == sha256


def lock(fetch: Fetch = fetch_from_registry) -> str:
    """Resolve Kafka's run-time jars, fetch each and return the text of a new list."""
    with tempfile.TemporaryDirectory() as scratch:
        coordinates = _resolve(Path(scratch) / "poms")
        version = next(c.split(":")[2] for c in coordinates if f":{LOG_BINDING_LIKE}:" in c)
        coordinates.append(f"{LOG_BINDING}:{version}")
        lines = [f"{coordinate} {_sha256(fetch(coordinate, Path(scratch) / 'jars'))}" for coordinate in sorted(coordinates)]
    head = "# Written by `python -m infra.embedded.kafka_jars --lock`: coordinate, SHA-256.\n"
    return head + "\n".join(lines) + "\n"


def _resolve(directory: Path) -> list[str]:
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415  (of the `embedded` extra)

    resolver = PythonResolver()
    context = MavenContext(repo_cache=directory, resolver=resolver, local_repos=[], timeout=_TIMEOUT_SECONDS)
    named, transitive = resolver.resolve([context.create_dependency(KAFKA)])
    return [f"{d.groupId}:{d.artifactId}:{d.version}" for d in [*named, *transitive]]


if __name__ == "__main__":
    if sys.argv[1:] != ["--lock"]:
        sys.exit("usage: python -m infra.embedded.kafka_jars --lock")
    LOCK_FILE.write_text(lock(), "ascii")
