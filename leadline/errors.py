"""Errors, classified by what the caller has to do.

LeadlineError
├── UsageError            wrong call or configuration: correct it                        exit 2
├── UnreachableError      something needed does not answer: start it, or try again       exit 3
├── ProblemFound          a problem was found: read the output                           exit 1
└── BadRecord             one record cannot be used: write a dead letter and continue
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of ``leadline``."""

    OK = 0
    PROBLEM = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class LeadlineError(Exception):
    """Base of all errors. ``str()`` is one line for a person: what failed, where, and what to do. It has no secret."""

    exit_code = ExitCode.PROBLEM


class UsageError(LeadlineError):
    """The call or the configuration is wrong."""

    exit_code = ExitCode.USAGE


class UnreachableError(LeadlineError):
    """A server, broker or file that is needed cannot be reached."""

    exit_code = ExitCode.UNREACHABLE


class ProblemFound(LeadlineError):
    """The command worked and found a problem."""

    exit_code = ExitCode.PROBLEM


MAX_DETAIL = 500
"""Longest detail of a BadRecord, in characters. It may quote the record."""


class BadRecord(LeadlineError):
    """A record that cannot be used. ``reason`` is one of ``wire.BAD_RECORD_REASONS`` and a metric label."""

    def __init__(self, reason: str, detail: str) -> None:
        if len(detail) > MAX_DETAIL:  # both ends are kept: the error and the path
            detail = f"{detail[: MAX_DETAIL // 2]}…{detail[1 - MAX_DETAIL // 2 :]}"
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
