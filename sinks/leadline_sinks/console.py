"""Lines on standard output, for a terminal or journald."""

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TextIO

from leadline import lines
from leadline.clock import Clock
from leadline.logs import escape
from leadline.model.alert import Severity
from leadline.settings.sink import NotifySettings
from leadline.words import hour
from leadline_sinks.notify.sink import Notice, Outcome, Rate, Reason, Retry, Sent
from leadline_sinks.runbook import address

PRIORITIES: Mapping[Severity, int] = {"critical": 2, "warning": 4, "info": 6}
"""Severity as journald has it (sd-daemon(3), the levels of syslog)."""
NOTICE = 5
"""Priority of what is over, and of what people did."""


class ConsoleSink:
    """Standard output. The journal is told the priority of each line."""

    kind = "console"
    rate = Rate(per_s=100.0, burst=1000)

    def __init__(self, notify: NotifySettings, clock: Clock, out: TextIO | None = None) -> None:
        self._notify = notify
        self._clock = clock
        self._out = out or sys.stdout
        self._journal = is_journal(self._out, os.environ)

    async def deliver(self, notice: Notice) -> Outcome:
        """Print. After a crash the same may stand there twice."""
        over = notice.incident.state == "resolved" or notice.occasion in ("acknowledged", "noted")
        return self._print(words(notice, self._notify), NOTICE if over else PRIORITIES[notice.incident.severity])

    async def test(self) -> Outcome:
        """Print that it is a test."""
        return self._print([f"{hour(self._clock.now())}  this is a test of Leadline"], NOTICE)

    async def close(self) -> None:
        """Nothing to let go of: standard output is the process's."""

    def _print(self, text: list[str], priority: int) -> Outcome:
        prefix = f"<{priority}>" if self._journal else ""
        printed = "".join(f"{prefix}{line}\n" for line in text)
        charset = self._out.encoding or "utf-8"
        try:
            self._out.write(printed.encode(charset, "backslashreplace").decode(charset))
            self._out.flush()
        except OSError as error:
            reason = Reason.FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else Reason.TARGET_GONE
            return Retry(reason, f"standard output: {error.strerror or type(error).__name__}")
        except ValueError:
            return Retry(Reason.TARGET_GONE, "standard output is closed")
        return Sent({"printed": "yes"})


def words(notice: Notice, notify: NotifySettings) -> list[str]:
    """What is printed: the incident, unless only people did something and it was printed before."""
    incident = notice.incident
    done = list(_done(notice))
    if notice.occasion in ("acknowledged", "noted") and notice.receipt and done:
        return done
    said = lines.incident(incident)
    if notice.occasion == "repeated":
        said[0] += "  (still open)"
    if not notice.receipt and incident.state == "open" and incident.rules:
        said.append(escape(f"          see    {address(incident.rules[0], notify)}"))
    return said + done


def _done(notice: Notice) -> Iterator[str]:
    """A line for each thing that people did."""
    cluster = notice.incident.cluster
    for action in notice.actions:
        verb = "taken by" if action.kind == "acknowledge" else "note by"
        text = f": {action.text}" if action.text else ""
        yield escape(f"{hour(action.at)}  {cluster}  INCIDENT {verb} {action.by}{text}")


def is_journal(out: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a stream leads to the journal: JOURNAL_STREAM names its device and inode (systemd.exec(5))."""
    try:
        there = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"
