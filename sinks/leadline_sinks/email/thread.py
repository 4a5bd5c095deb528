"""The thread of an incident: its subject, and the identities by which mail programs put its messages together. Pure.

Programs that follow the standard look at References and In-Reply-To (RFC 5322, section 3.6.4). Gmail also wants the
same subject, and ignores what is in square brackets there (TwiN/gatus issues 460 and 1563); messages with one subject
are one conversation to it even without References. So the subject stays as it was at first, holds no brackets, and has
the time at which the incident began. What is new is on the first line of the message.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Final, Self

from leadline.logs import escape
from leadline.model.incident import Incident
from leadline_sinks.notify.sink import Notification

SUBJECT: Final = 160
"""Characters of the problem in a subject."""
_IDENT: Final = re.compile(r"<[A-Za-z0-9.]{1,80}@[A-Za-z0-9.-]{1,253}>", re.ASCII)
_BRACKETS: Final = str.maketrans("[]", "()")


@dataclass(frozen=True, slots=True)
class Thread:
    """The thread as of the last message that was sent."""

    subject: str
    count: int = 0
    """Messages that were sent."""
    last: str = ""
    """Message-ID of the last of them."""
    content: str = ""
    """``message_due.content`` of the incident as of the last of them."""
    pending: str = ""
    """Message-ID of a message that only some of the recipients have."""
    have_it: frozenset[str] = frozenset()
    """Hashes of their addresses."""

    @classmethod
    def read(cls, receipt: Mapping[str, str], incident: Incident) -> Self:
        """Decode a receipt. Without one, the thread begins."""
        count, last, pending = receipt.get("count", ""), receipt.get("last", ""), receipt.get("pending", "")
        return cls(
            subject=escape(receipt.get("subject", ""), SUBJECT * 2) or subject(incident),
            count=int(count) if count.isascii() and count.isdecimal() and len(count) < 10 else 0,
            last=last if _IDENT.fullmatch(last) else "",
            content=receipt.get("said", "")[:40],
            pending=pending if _IDENT.fullmatch(pending) else "",
            have_it=frozenset(receipt.get("have_it", "").split()),
        )

    def encode(self) -> dict[str, str]:
        """Encode as a receipt."""
        given = {"subject": self.subject, "count": str(self.count), "last": self.last, "said": self.content}
        if self.pending:
            given |= {"pending": self.pending, "have_it": " ".join(sorted(self.have_it))}
        return {name: value for name, value in given.items() if value}


def subject(incident: Incident) -> str:
    """The subject of all messages about an incident."""
    about = incident.title if incident.cluster in incident.title else f"{incident.cluster}: {incident.title}"
    since = incident.opened_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC").rjust(20, "0")
    return f"{escape(about, SUBJECT).translate(_BRACKETS)}, since {since}"


def root(incident: Incident, domain: str) -> str:
    """The Message-ID of the first message about an incident: every later one refers to it, whatever was lost since."""
    return f"<{_hash(incident.incident_id)}.1@{domain}>"


def message_id(notification: Notification, thread: Thread, domain: str) -> str:
    """The same for the same notification, so that mail servers can recognize one that is sent again.

    SMTP has no other protection: a message may have arrived although its answer did not (RFC 1047).
    """
    incident = notification.incident
    if not thread.count:
        return root(incident, domain)
    did = (action.action_id for action in notification.actions)
    about = _hash(str(incident.seq), notification.occasion, str(thread.count), *did)[:8]
    return f"<{_hash(incident.incident_id)}.{about}@{domain}>"


def references(incident: Incident, thread: Thread, domain: str) -> list[str]:
    """The messages to which the next one refers, the first of the thread first; empty for the first."""
    if not thread.count:
        return []
    return list(dict.fromkeys([root(incident, domain), *([thread.last] if thread.last else [])]))


def address_hash(address: str) -> str:
    """Identifies an address in a receipt, which is no place for addresses."""
    return _hash(address.lower())[:12]


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
