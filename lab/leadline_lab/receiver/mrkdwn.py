"""Slack's markup as HTML, near enough to see how a message will look. Everything in it is escaped."""

import re
from html import escape, unescape
from typing import Final

_CODE: Final = re.compile(r"(```.+?```|`[^`\n]+`)", re.DOTALL)
_CONTROL: Final = re.compile(r"<([^<>]+)>")
_STYLES: Final = [
    (re.compile(rf"(?<![\w{mark}]){mark}(?=\S)([^{mark}\n]*\S){mark}(?![\w{mark}])"), tag)
    for mark, tag in ((r"\*", "b"), ("_", "i"), ("~", "s"))
]


def html(text: str) -> str:
    """Markup as HTML."""
    return "".join(_code(part) if index % 2 else _styled(part) for index, part in enumerate(_CODE.split(text)))


def plain(text: str) -> str:
    """Text without markup as HTML."""
    return escape(_raw(text))


def _raw(text: str) -> str:
    """Slack has three entities."""
    return re.sub(r"&(?:amp|lt|gt);", lambda found: unescape(found[0]), text)


def _code(part: str) -> str:
    if part.startswith("```"):
        return f"<pre>{escape(_raw(part[3:-3]))}</pre>"
    return f"<code>{escape(_raw(part[1:-1]))}</code>"


def _styled(part: str) -> str:
    return "".join(_control(piece) if index % 2 else _words(piece) for index, piece in enumerate(_CONTROL.split(part)))


def _words(piece: str) -> str:
    made = plain(piece).replace("\n", "<br>")
    for pattern, tag in _STYLES:
        made = pattern.sub(rf"<{tag}>\1</{tag}>", made)
    return made


def _control(inside: str) -> str:
    what, _, label = inside.partition("|")
    if what.startswith("!date^"):
        return f'<time title="shown in the reader&#39;s zone">{plain(label)}</time>'
    if what.startswith(("!", "@", "#")):
        return f'<mark title="this notifies people">{plain(label or what)}</mark>'
    if what.startswith(("http://", "https://")):
        return f'<a href="{escape(_raw(what))}" rel="noreferrer">{plain(label or what)}</a>'
    return escape(f"<{inside}>")
