"""Evidence that arrives after a cause was reported, and makes its message better."""

from leadline.model.incident import Cause

SURER = 0.1
"""Rise of the confidence that is reported. Smaller ones change nothing for people."""
EVERY_S = 10.0
"""Shortest time between two records that only better evidence makes necessary."""


def is_better(reported: Cause, now: Cause) -> bool:
    """Whether the same cause is surer by now, or proposes another fix and is not less sure."""
    if (reported.code, reported.subject.id) != (now.code, now.subject.id):
        return False
    surer = now.confidence >= reported.confidence + SURER
    return surer or (now.fix != reported.fix and now.confidence >= reported.confidence)
