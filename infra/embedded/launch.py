"""The last step before a supervised program runs: tie it to its supervisor, then become it.

Run as a file, never imported: `python -I -S launch.py PARENT SIGNAL IDENTITY PROGRAM [ARG...]`. It
does in a fresh single-threaded process what a fork in a threaded one cannot do safely. IDENTITY is
`same`, `userns` (root becomes user 1000 of its own user namespace, files stay root's) or `uid:N`.
"""

import ctypes
import os
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_INSIDE_ID = 1000
_FAILED = 126


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no user namespace: {os.strerror(number)}")
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{_INSIDE_ID} {uid} 1"),
        ("gid_map", f"{_INSIDE_ID} {gid} 1"),
    ):
        Path("/proc/self", name).write_text(content, "ascii")


def _become(identity: str) -> None:
    if identity == "userns":
        _enter_user_namespace()
    elif identity.startswith("uid:"):
        number = int(identity.removeprefix("uid:"))
        os.setgroups([])
        os.setgid(number)
        os.setuid(number)


def _die_with(parent: int, signal_number: int) -> None:
    """Ask the kernel for a signal at the parent's death; a change of user would undo it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the parent's death cannot be watched")
    if os.getppid() != parent:
        sys.exit(0)  # it died before the kernel was asked: nobody would ever stop us


def main(arguments: list[str]) -> None:
    """Take the identity, tie the life to the parent's, and replace this process."""
    parent, signal_number, identity, *program = arguments
    try:
        _become(identity)
        _die_with(int(parent), int(signal_number))
        os.execvp(program[0], program)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"cannot start {program[0]}: {error}\n")
        sys.exit(_FAILED)


if __name__ == "__main__":
    main(sys.argv[1:])
