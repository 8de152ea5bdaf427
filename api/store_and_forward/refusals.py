"""Why a buffer takes nothing now, as problems that the API's error handler writes."""

from api.errors import ApiError, ErrorKind

FULL = ErrorKind(507, "The buffer is full", "warning", 30)
NOT_WRITTEN = ErrorKind(503, "The disk does not take it", "error", 5)


class NotBuffered(ApiError):
    """Nothing of this post is on the disk; send it again later."""

    def __init__(self, code: str, kind: ErrorKind, detail: str) -> None:
        super().__init__("overloaded", detail)
        self.code = code
        self.kind = kind


def buffer_full(detail: str) -> NotBuffered:
    """Return the answer when there is no room."""
    return NotBuffered("buffer_full", FULL, detail)


def not_written(detail: str) -> NotBuffered:
    """Return the answer when the disk failed."""
    return NotBuffered("not_written", NOT_WRITTEN, detail)
