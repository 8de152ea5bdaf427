"""Errors the owner process answers with: the engine's own, in the words and codes of a server."""

import re

AUTHENTICATION_FAILED = 516
BAD_ARGUMENTS = 36
NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62
UNKNOWN_EXCEPTION = 1002

_CODE = re.compile(r"Code: (\d+)\.")
_STATUS = {
    AUTHENTICATION_FAILED: 403,
    BAD_ARGUMENTS: 400,
    NOT_IMPLEMENTED: 501,
    SYNTAX_ERROR: 400,
    47: 404,  # unknown identifier
    60: 404,  # unknown table
    81: 404,  # unknown database
    115: 404,  # unknown setting
    159: 408,  # took longer than max_execution_time
    164: 403,  # read only
    457: 400,  # bad query parameter
}


class EngineError(Exception):
    """A statement that the engine, or the owner in its place, refused."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def http_status(self) -> int:
        """Return a status that no client takes for a reason to send the statement again."""
        return _STATUS.get(self.code, 500)


def refusal(code: int, message: str) -> EngineError:
    """Return an error of the owner itself, worded as the engine words its own."""
    return EngineError(code, f"Code: {code}. DB::Exception: {message}")


def from_engine(error: Exception) -> EngineError:
    """Translate what the engine's binding raised."""
    text = str(error).strip()
    found = _CODE.search(text)
    return EngineError(int(found.group(1)) if found else UNKNOWN_EXCEPTION, text)
