"""Lines on standard output, for a terminal or the systemd journal."""

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TextIO

from leadline import lines, runbooks
from leadline.clock import Clock
from leadline.headline import can_return
from leadline.logs import escape
from leadline.model.alert import Severity
from leadline.model.delivery import Occasion
from leadline.settings.routing import NotifySettings
from leadline.words import hour
from leadline_sinks.notify.sink import Notification, Outcome, Rate, Reason, Retry, Sent
from leadline_sinks.runbook import runbook_url

PRIORITIES: Mapping[Severity, int] = {"critical": 2, "warning": 4, "info": 6}
"""Severities as syslog levels, which the journal reads from the beginning of a line (sd-daemon(3))."""
NOTICE = 5
"""Syslog level of resolved incidents, acknowledgements and notes."""
_OCCASIONS: Mapping[Occasion, str] = {
    "cause_changed": "another cause",
    "reopened": "returned",
    "withdrawn": "a step is withdrawn",
    "repeated": "still open",
    "recurrence": "can return",
}


class ConsoleSink:
    """Standard output. Where that is the journal, each line has a priority."""

    kind = "console"
    rate = Rate(per_s=100.0, burst=1000)
    unseen_actions = False
    takes_notices = True
    resend_s = 0.0
    shows_silences = False

    def __init__(self, notify: NotifySettings, clock: Clock, out: TextIO | None = None) -> None:
        self._notify = notify
        self._clock = clock
        self._out = out or sys.stdout
        self._journal = is_journal(self._out, os.environ)

    async def deliver(self, notification: Notification) -> Outcome:
        """Print the notification. After a crash it may be printed twice."""
        incident = notification.incident
        notice = incident.state == "resolved" or notification.occasion in ("acknowledged", "noted")
        return self._print(text_of(notification, self._notify), NOTICE if notice else PRIORITIES[incident.severity])

    async def test(self) -> Outcome:
        """Print a line that is marked as a test."""
        return self._print([f"{hour(self._clock.now())}  this is a test of Leadline"], NOTICE)

    async def close(self) -> None:
        """Nothing to release: standard output belongs to the process."""

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


def text_of(notification: Notification, notify: NotifySettings) -> list[str]:
    """The lines to print: the whole incident, or what is new in an update, or the actions where nothing else is new."""
    incident = notification.incident
    actions = list(_actions(notification))
    if notification.occasion in ("acknowledged", "noted") and notification.receipt and actions:
        return actions
    text = lines.incident(incident)
    if notification.occasion == "updated" and notification.receipt:
        return text[:1] + [escape(f"          {hour(entry.at)}  {entry.what}") for entry in notification.news] + actions
    if notification.occasion in _OCCASIONS:
        text[0] += f"  ({_OCCASIONS[notification.occasion]})"
    text += [escape(f"          withdrawn, do not do this: {step}") for step in notification.withdrawn]
    if why := can_return(incident):
        text.append(escape(f"          {why}"))
    if not notification.receipt and incident.state == "open" and incident.rules:
        shown = runbook_url(incident.rules[0], notify) or runbooks.command(incident)
        text.append(escape(f"          runbook  {shown}"))
    return text + actions


def _actions(notification: Notification) -> Iterator[str]:
    """A line for each acknowledgement and note."""
    cluster = notification.incident.cluster
    for action in notification.actions:
        verb = "acknowledged by" if action.kind == "acknowledge" else "note by"
        text = f": {action.text}" if action.text else ""
        yield escape(f"{hour(action.at)}  {cluster}  INCIDENT {verb} {action.by}{text}")


def is_journal(out: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a stream is the journal: JOURNAL_STREAM holds its device and inode (systemd.exec(5))."""
    try:
        there = os.fstat(out.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"
