"""A notification as an e-mail: headers, plain text and the same as simple HTML. Pure."""

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape as html
from typing import Final

from leadline.model.alert import Severity
from leadline_sinks.message_parts import Line, MessagePart

MAX_CHARACTERS: Final = 60_000
"""Of the plain text. Mail servers take several MB; nobody reads more than this."""
NAME: Final = "Leadline"
_COLOURS: Final[dict[Severity, str]] = {"critical": "#b91c1c", "warning": "#b45309", "info": "#1d4ed8"}
_ENDED: Final = "#15803d"
_WHOLE: Final = SMTP.clone(max_line_length=998)
"""No header is folded (RFC 5322, section 2.1.1, allows 998 characters): a folded line can begin with the whole subject,
and some servers do not read a folded Message-ID. Where the subject must be encoded, its words are short (RFC 2047)."""
_FONT: Final = "font-family:system-ui,Segoe UI,Helvetica,Arial,sans-serif;font-size:15px;line-height:1.45"
_CODE: Final = (
    "font-family:ui-monospace,Consolas,Menlo,monospace;font-size:13px;background:#f3f4f6;color:#111827;"
    "padding:6px 8px;margin:4px 0;white-space:pre-wrap;overflow-wrap:anywhere"
)


def message(
    *,
    sender: str,
    to: Sequence[str],
    subject: str,
    message_id: str,
    references: Sequence[str],
    at: datetime,
    text: str,
    markup: str,
    headers: dict[str, str],
) -> EmailMessage:
    """The message. Addresses are those of the settings, so no text of a server can add a header or a recipient."""
    made = EmailMessage(policy=_WHOLE if subject.isascii() else SMTP)
    local, _, domain = sender.rpartition("@")
    made["From"] = Address(NAME, local, domain)
    made["To"] = ", ".join(to)
    made["Subject"] = f"Re: {subject}" if references else subject
    made["Date"] = format_datetime(at)
    made["Message-ID"] = message_id
    if references:
        made["In-Reply-To"] = references[-1]
        made["References"] = " ".join(references)
    # No answers of absent people (RFC 3834, section 5; the second one is Exchange's).
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    for name, value in headers.items():
        made[name] = value
    made.set_content(text, cte="quoted-printable")
    made.add_alternative(markup, subtype="html", cte="quoted-printable")
    return made


def plain(lead: str, status: str, parts: Sequence[MessagePart]) -> str:
    """The plain text. Code is indented by four characters and otherwise as it is."""
    lines = [lead, status]
    for part in parts:
        lines += [
            "",
            f"{part.heading}:",
            *(f"    {line.text}" if line.code else f"  {_titled(line)}" for line in part.lines),
        ]
    return _cut("\n".join(lines)) + "\n"


def _titled(line: Line) -> str:
    return f"{line.title}: {line.text}" if line.title else line.text


def markup(lead: str, status: str, parts: Sequence[MessagePart], severity: Severity, *, ended: bool) -> str:
    """The same as HTML, without pictures, scripts or anything to load."""
    colour = _ENDED if ended else _COLOURS[severity]
    shown = [
        f'<div style="{_FONT};max-width:760px">',
        f'<div style="border-left:4px solid {colour};padding-left:10px"><strong>{html(lead)}</strong><br>'
        f'<span style="color:#6b7280">{html(status)}</span></div>',
    ]
    size = 0
    for part in parts:
        size += len(part.heading) + sum(len(line.text) for line in part.lines)
        if size > MAX_CHARACTERS:
            break
        shown.append(f'<h4 style="margin:14px 0 2px">{html(part.heading)}</h4>')
        shown += [_line(line) for line in part.lines]
    return "".join([*shown, "</div>\n"])


def _line(line: Line) -> str:
    if line.code:
        return f'<pre style="{_CODE}">{html(line.text)}</pre>'
    if line.text.startswith(("https://", "http://")):
        return f'<div><a href="{html(line.text)}">{html(line.title or line.text)}</a></div>'
    return f"<div>{html(line.text)}</div>"


def _cut(text: str) -> str:
    """Whole lines, as many as fit."""
    if len(text) <= MAX_CHARACTERS:
        return text
    return text[: text.rfind("\n", 0, MAX_CHARACTERS)] + "\n  … more; see `leadline incidents show`"
