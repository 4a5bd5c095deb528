"""What can go wrong, named by what the caller should do.

LeadlineError
├── UsageError            wrong call or wrong configuration: fix it                      exit 2
├── UnreachableError      something needed does not answer: start it, or try again       exit 3
├── ProblemFound          the thing looked at is not fine: read the output               exit 1
└── BadRecord             one record cannot be used: to the dead letters, go on
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What ``leadline`` tells its caller."""

    OK = 0
    PROBLEM = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class LeadlineError(Exception):
    """Base of all. ``str()`` is one line for a person: what, where, and what to do. It never holds a secret."""

    exit_code = ExitCode.PROBLEM


class UsageError(LeadlineError):
    """Wrong call or wrong configuration."""

    exit_code = ExitCode.USAGE


class UnreachableError(LeadlineError):
    """A server, broker or file that is needed cannot be reached."""

    exit_code = ExitCode.UNREACHABLE


class ProblemFound(LeadlineError):
    """The command worked and what it looked at is not fine."""

    exit_code = ExitCode.PROBLEM


MAX_DETAIL = 500
"""Characters of a BadRecord's detail, which may quote the record."""


class BadRecord(LeadlineError):
    """A record that cannot be used. ``reason`` is from a closed set, which is also the metric label."""

    def __init__(self, reason: str, detail: str) -> None:
        if len(detail) > MAX_DETAIL:  # both ends are kept: what is wrong, and the path
            detail = f"{detail[: MAX_DETAIL // 2]}…{detail[1 - MAX_DETAIL // 2 :]}"
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
