"""Why a worker ends itself: exit codes, each with what the supervisor or an operator should make of it.

Ending is always safe: nothing is acknowledged that is not on the log, and states know what they have.
"""

import os
import sys
from enum import IntEnum
from typing import NoReturn

import structlog

_log = structlog.get_logger(__name__)


class Exit(IntEnum):
    """Exit codes of a worker; 0 is a stop that was asked for."""

    OFFSETS_JUMPED = 3
    """A record is missing between two fetches: start again from the committed offset."""
    HEARTBEAT_TOO_OLD = 4
    """The session may have ended, another worker may own the partitions: start again."""
    INFRASTRUCTURE = 5
    """The broker did not take a batch although it was tried again and again: start again later."""
    NO_PROGRESS = 6
    """The committed offset stands still while the log is ahead: start again."""
    UNREADABLE_STATE = 7
    """A state record cannot be read; starting again does not help: three in a row are an alarm."""
    FOREIGN_VERSIONS = 8
    """Faust or aiokafka is not the version that this shell was written against."""


def leave(code: Exit, reason: str) -> NoReturn:
    """End the process at once: no clean-up of the engine may acknowledge anything any more."""
    _log.error("worker_left", code=int(code), why=code.name.lower(), reason=reason)
    sys.stderr.flush()
    os._exit(code)
