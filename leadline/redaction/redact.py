"""The pass over a text: each mark is found once, and what its reader masks is not read again. Pure."""

import re
from collections.abc import Callable
from typing import Final

from leadline.redaction.openers import OPENER
from leadline.redaction.values import quoted_end, value_end
from leadline.settings.secret import MASK

_CHUNK: Final = re.compile(r"\S*+")
_USER: Final = re.compile(r"[^\s:/]*+:")
_LINE: Final = re.compile(r"(?:[^\r\n\\]++|\\(?![rn]))*+")
_UNTIL: Final = {quote: re.compile(rf"(?:[^\r\n\\{quote}]++|\\(?![rn]))*+") for quote in "'\""}
_SCHEME: Final = re.compile(r"\w{1,20} {1,3}(?=\S)")
_BEARER: Final = re.compile(r"[^\s'\"]++")
_SLACK: Final = re.compile(r"(?:\.?+[\w%-]++)++")
_WORDS: Final = re.compile(r"[\w-]++")
_TOKEN: Final = re.compile(r"[\w-]*+\.[\w-]++\.[\w-]*+")
_ARGUMENTS: Final = re.compile(r"[^)]*+")
_PEM_LINE: Final = re.compile(r"\s*[\w+/=]{8,}\s*")
_BY_OPTION: Final = {"-p": re.compile(r"\b(?:mysql|mariadb|mydumper|xtrabackup|sshpass)[^|;&\n]*\Z")}
_WITH_SPACE: Final = re.compile(r"\bsshpass[^|;&\n]*\Z")
_CURL: Final = re.compile(r"\b(?:curl|wget)\b[^|;&\n]*\Z")
_BEHIND: Final = ('" in connection info', '" for connection option', '", use percent')
_LOOK_BACK: Final = 256

Span = tuple[int, int]
"""Begin and end of a mask."""
Reader = Callable[["Pass", re.Match[str]], Span | None]


def redact(text: str) -> str:
    """Mask secrets in foreign text: passwords in URLs, values of names that are those of secrets, and known tokens.

    Names are taken for those of secrets by their end, such as ``PGPASSWORD`` or ``slack_token``. A word that nothing
    marks as a secret stays. Takes time in proportion to the length of the text.
    """
    return Pass(text).masked()


class Pass:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        """Up to here the text is written."""
        self.read = 0
        """Characters that readers looked at, to show that the text is not read again and again."""
        self._chunk: Span = (0, 0)
        self._at_sign = -1

    def masked(self) -> str:
        """The text with masks."""
        shown: list[str] = []
        from_ = 0
        while mark := OPENER.search(self.text, from_):
            from_ = mark.start() + 1
            assert mark.lastgroup is not None
            span = READERS[mark.lastgroup](self, mark)
            if span is None or span[1] <= span[0]:
                continue
            start, end = max(span[0], self.at), span[1]
            shown += self.text[self.at : start], MASK
            self.read += end - mark.start()
            self.at = from_ = end
        return "".join([*shown, self.text[self.at :]]) if shown else self.text

    def last_at_sign(self, at: int) -> int:
        """The last @ before the next space; -1 where there is none."""
        if not self._chunk[0] <= at < self._chunk[1]:
            end = self.run(_CHUNK, at)
            self._chunk = (at, end)
            self._at_sign = self.text.rfind("@", at, end)
        return self._at_sign

    def run(self, pattern: re.Pattern[str], at: int) -> int:
        """The end of what matches at ``at``; ``at`` where nothing does."""
        found = pattern.match(self.text, at)
        end = found.end() if found else at
        self.read += end - at
        return end

    def before(self, at: int) -> str:
        """The characters before ``at``, at most 256, that no mask covers."""
        return self.text[max(self.at, at - _LOOK_BACK) : at]


def _to(pattern: re.Pattern[str], *, least: int = 1) -> Reader:
    def read(scan: Pass, mark: re.Match[str]) -> Span | None:
        end = scan.run(pattern, mark.end())
        return (mark.end(), end) if end - mark.end() >= least else None

    return read


def _whole(scan: Pass, mark: re.Match[str]) -> Span:
    return mark.span()


def _value(scan: Pass, mark: re.Match[str]) -> Span:
    return mark.end(), value_end(scan.text, mark.end())


def _named(scan: Pass, mark: re.Match[str]) -> Span | None:
    text, at = scan.text, mark.end()
    name = re.search(r"[\w.:-]{0,64}\Z", text[max(0, mark.start() - 64) : mark.start()])
    assert name is not None
    before = text[mark.start() - len(name[0]) - 1 : mark.start() - len(name[0])] if mark.start() > len(name[0]) else ""
    if mark["tag"]:
        return (at, scan.run(re.compile(r"[^<]*+"), at)) if before == "<" else None
    if mark["detail"]:
        return at, scan.run(_ARGUMENTS, at)
    encoded = mark[0][-3:].lower() in ("%3d", "%3a")
    return at, value_end(text, at, parameter=before in ("?", "&"), encoded=encoded)


def _url(scan: Pass, mark: re.Match[str]) -> Span | None:
    """user:password@ in a URL; the password may hold / and @."""
    last = scan.last_at_sign(mark.end())
    if last < mark.end() or scan.text[mark.end()] == "[":
        return None
    start = scan.run(_USER, mark.end())
    return (start, last) if mark.end() < start <= last else None


def _spaced_url(scan: Pass, mark: re.Match[str]) -> Span | None:
    inside = _url(scan, mark) if scan.last_at_sign(mark.start() + 3) > mark.start() else None
    return inside or (mark[0].index(":", 3) + 1 + mark.start(), mark.end() - 1)


def _go_dsn(scan: Pass, mark: re.Match[str]) -> Span | None:
    """user:password@tcp(host), as programs in Go have it for MySQL."""
    login = re.split(r"[\s'\"]", scan.before(mark.start()))[-1]
    colon = login.find(":")
    return (mark.start() - len(login) + colon + 1, mark.start()) if colon >= 0 else None


def _header(scan: Pass, mark: re.Match[str]) -> Span:
    """A login or cookies: to the end of the line, or of the quotes around the header or its value."""
    text, at = scan.text, mark.end()
    end = quoted_end(text, at)
    around = scan.before(mark.start())[-1:]
    if end is None:
        end = scan.run(_UNTIL.get(around, _LINE), at)
    else:
        at += 1 if text[at] in "'\"" else 0
        end -= 1 if at > mark.end() and text[end - 1] == text[at - 1] and end - 1 > at else 0
    return (at if mark["cookie"] else min(scan.run(_SCHEME, at), end)), end


def _bearer(scan: Pass, mark: re.Match[str]) -> Span | None:
    end = scan.run(_BEARER, mark.end())
    token = scan.text[mark.end() : end]
    return (mark.end(), end) if len(token) >= 8 and any(c.isdigit() for c in token) else None


def _short_option(scan: Pass, mark: re.Match[str]) -> Span | None:
    """-p of programs in which it is a password, and user:password of curl."""
    before, at = scan.before(mark.start()), mark.end()
    option = mark[0].strip()
    if option == "-p":
        program = _WITH_SPACE if mark[0][-1:].isspace() else _BY_OPTION["-p"]
        return (at, value_end(scan.text, at)) if program.search(before) else None
    if not _CURL.search(before):
        return None
    end = value_end(scan.text, at)
    colon = scan.text.find(":", at, end)
    return (colon + 1, end) if colon >= 0 else None


def _from_mark(pattern: re.Pattern[str]) -> Reader:
    def read(scan: Pass, mark: re.Match[str]) -> Span | None:
        end = scan.run(pattern, mark.end())
        return (mark.start(), end) if end > mark.end() else None

    return read


def _libpq(scan: Pass, mark: re.Match[str]) -> Span:
    text, at = scan.text, mark.end()
    end = scan.run(_LINE, at)
    marks = (
        text.rfind(f'" {word}', at, end) for word in ("in connection info", "for connection option", "use percent")
    )
    closing = max(marks)
    closing = closing if closing > at else text.rfind('"', at + 1, end)
    return at + 1, closing if closing > at else end


def _host_name(scan: Pass, mark: re.Match[str]) -> Span | None:
    """libpq takes what follows the first @ of a URL for the name of a host."""
    end = scan.run(re.compile(r"[^\"\n]*+"), mark.end())
    last = scan.text.rfind("@", mark.end(), end)
    return (mark.end(), last) if last >= 0 else None


def _pem(scan: Pass, mark: re.Match[str]) -> Span:
    end = scan.text.find("-----END", mark.end())
    return mark.end(), end if end >= 0 else len(scan.text)


def _pem_end(scan: Pass, mark: re.Match[str]) -> Span | None:
    """A key whose beginning was cut off."""
    start = mark.start()
    for line in reversed(scan.text[scan.at : mark.start()].splitlines(keepends=True)):
        if not _PEM_LINE.fullmatch(line):
            break
        start -= len(line)
    return start, mark.start()


READERS: Final[dict[str, Reader]] = {
    "spaced_url": _spaced_url,
    "url": _url,
    "go_dsn": _go_dsn,
    "header": _header,
    "set_password": _value,
    "named": _named,
    "parameter": _to(re.compile(r"[^&\s]++")),
    "identified": _value,
    "encryption": _to(_ARGUMENTS),
    "option": _value,
    "short_option": _short_option,
    "bearer": _bearer,
    "slack_token": _from_mark(_SLACK),
    "vendor_token": _from_mark(_WORDS),
    "aws_key": _whole,
    "jwt": _from_mark(_TOKEN),
    "verifier": _to(re.compile(r"\S++")),
    "md5": lambda scan, mark: (mark.start() + 3, mark.end()),
    "native_hash": _whole,
    "hook": _to(re.compile(r"\S++")),
    "libpq": _libpq,
    "host_name": _host_name,
    "pem": _pem,
    "pem_end": _pem_end,
    "pgpass": _to(re.compile(r"\S++(?=[ \t\r]*$)", re.MULTILINE)),
}
