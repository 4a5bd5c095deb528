"""Run a command; when the owner ends, however it ends, end the command and everything it started.

``python guard.py UID GID SIGNAL COMMAND...``: standard input is the lifeline, a pipe whose other end the owner holds
and never writes to. When it closes, the command gets SIGNAL and, when it is not gone in time, SIGKILL. When the command
has ended, for whatever reason, what it left running is killed too. Then the guard leaves with the command's status, so
its end means that the whole tree is gone. ``-`` for UID and GID keeps them.

It runs by itself, without the package on its path: only the standard library here.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

GRACE_S = 6.0
"""PostgreSQL kills its own children 5 s after SIGQUIT (SIGKILL_CHILDREN_AFTER_SECS in postmaster.c)."""

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

FOR_THE_OWNER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that a terminal or a service manager sends to all: the owner decides, and its end is the guard's."""


def parent(pid: int) -> int | None:
    """The parent of a process, None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The program's name, in brackets, may itself hold brackets and blanks.
    return int(stat.rpartition(")")[2].split()[1])


def descendants(pid: int) -> list[int]:
    """Every process below ``pid``, parents first. A snapshot: processes come and go meanwhile."""
    children: dict[int | None, list[int]] = {}
    for other in map(int, filter(str.isdecimal, os.listdir("/proc"))):
        children.setdefault(parent(other), []).append(other)
    found = [pid]
    for known in found:
        found.extend(children.get(known, []))
    return found[1:]


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Send to each that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _tie_to_guard() -> None:
    # The last resort, for a guard that is itself killed. Set after the change of user, which would clear it.
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in FOR_THE_OWNER:
        signal.signal(number, signal.SIG_DFL)


def main(uid: str, gid: str, farewell: str, *command: str) -> int:
    """Guard one command to its end; its exit status, or minus the signal that ended it."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    for number in FOR_THE_OWNER:
        signal.signal(number, signal.SIG_IGN)
    keep = uid == "-"
    child = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        user=None if keep else int(uid),
        group=None if keep else int(gid),
        extra_groups=None if keep else [],
        preexec_fn=_tie_to_guard,  # noqa: PLW1509  the guard has one thread
    )
    ended = os.pidfd_open(child.pid)
    if ended not in select.select([sys.stdin, ended], [], [])[0]:
        signal_all(descendants(os.getpid()), signal.SIGCONT)
        child.send_signal(signal.Signals[farewell])
        if not select.select([ended], [], [], GRACE_S)[0]:
            child.kill()
    status = child.wait()
    while orphans := descendants(os.getpid()):
        signal_all(orphans, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) & 0xFF)
