"""Rule workers under a supervisor of the test's own: whoever ends is started again on the same place, whatever the reason."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from processors.readiness import is_ready
from tests.processors.scene import Scene, Worker

_LOOKS_EVERY_SECONDS = 1.0


@dataclass
class Post:
    """A place that a worker fills: a stage's scene and a slot in it."""

    scene: Scene
    slot: str
    worker: Worker | None = None

    def is_ready(self) -> bool:
        """Tell whether its worker has recovered its states."""
        return self.worker is not None and is_ready(self.scene.directory / f"worker-{self.slot}", self.worker.process.pid)


@dataclass
class Crew:
    """The posts, and how each of the workers ended that are gone."""

    posts: list[Post]
    safeguards: dict[str, Any] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)

    def start(self) -> None:
        """Fill every post."""
        for post in self.posts:
            self._fill(post)

    def _fill(self, post: Post) -> None:
        post.worker = post.scene.start(post.slot, still_seconds=None, **self.safeguards)

    def watch(self) -> None:
        """Start again whoever has ended."""
        for post in self.posts:
            if post.worker is not None and post.worker.process.poll() is not None:
                self.ends.append(post.worker.process.returncode)
                self._fill(post)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Go on with it while the body runs: on a busy machine a worker may end by itself whenever its heartbeats come late."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(_LOOKS_EVERY_SECONDS):
                self.watch()

        watching = threading.Thread(target=look)
        for post in self.posts:
            post.scene.is_watched = True
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()
            for post in self.posts:
                post.scene.is_watched = False

    def is_ready(self) -> bool:
        """Start again whoever has ended; tell whether everybody has recovered."""
        self.watch()
        return all(post.is_ready() for post in self.posts)

    def end(self, *how: tuple[int, signal.Signals]) -> None:
        """Send workers a signal each, all at once, and wait until they have ended; `watch` starts others in their place."""
        ending = [(self.posts[number % len(self.posts)].worker, what) for number, what in how]
        for worker, what in ending:
            assert worker is not None
            worker.signal(what)
        for worker, _ in ending:
            assert worker is not None
            worker.ended(60.0)

    def tell(self, what: signal.Signals, *numbers: int) -> None:
        """Send workers a signal that does not end them."""
        for number in numbers:
            worker = self.posts[number].worker
            assert worker is not None
            worker.signal(what)
