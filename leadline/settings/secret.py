"""Secrets: values that print masked, and a filter for foreign text."""

import re
from pathlib import Path
from typing import Final

from leadline.errors import UsageError

MASK: Final = "***"


class Secret:
    """A password, token or connection string. ``str`` and ``repr`` are masked; only ``reveal`` returns it.

    A secret in a file is read again at each ``reveal``, so that a rotated secret is picked up.
    """

    __slots__ = ("_file", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        self._file: Path | None = None

    @classmethod
    def in_file(cls, path: Path) -> "Secret":
        """The secret in a file, without the newline at its end."""
        secret = cls("")
        secret._file = path
        return secret

    def reveal(self) -> str:
        """The value. Raises UsageError when its file cannot be read or is empty."""
        if self._file is None:
            return self._value
        try:
            value = self._file.read_text("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise UsageError(f"cannot read the secret in {self._file}: it is not UTF-8 text") from None
        except (OSError, ValueError) as error:  # ValueError: the path has a null character
            why = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"cannot read the secret in {self._file}: {why}") from None
        if not value:
            raise UsageError(f"cannot use the secret in {self._file}: the file is empty")
        return value

    def each(self) -> tuple[str, ...]:
        """The values, one on each line: the new and the old one, while a secret that two sides have is replaced.

        Raises UsageError as ``reveal`` does.
        """
        value = self.reveal()
        return tuple(line.rstrip("\r") for line in value.split("\n") if line.strip()) or (value,)

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._value, self._file) == (other._value, other._file)

    def __hash__(self) -> int:
        return hash((self._value, self._file))


_QUOTED: Final = (
    r"""\\"(?:\\{2,}"?|[^"\\])*\\"|''(?:\\''|\\.|''''|[^'])+?''(?!')"""  # in a text that is quoted itself: JSON, SQL
    r"""|'(?:\\.|''|[^'\\])*'|"(?:\\.|[^"\\])*\""""
    r"""|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"""
)
_FORMS: Final = (
    # user:password@ in a URL; the password may hold / and @.
    (re.compile(r"(://[^\s:/@]*:)\S*@"), rf"\1{MASK}@"),
    # A name and a value: settings, variables, headers, JSON, YAML, connection strings; SQL has no = between them. Not
    # what is wrong with a setting: ``routing_key: missing; …`` or ``token: not …``.
    (
        re.compile(
            r"(?i)((?:passw(?:or)?d|passphrase|pwd|token|secret|amz-signature"
            r"|(?:api|access|routing|signing|private)[_ .-]?key)"
            rf"""\\*["']?(?:\s*(?:=>|[=:])\s*|\s+(?=e?'|\$))(?!(?:missing|not)[; ]))"""
            rf"""(?:[be]?(?:{_QUOTED})+[^\s,;)}}\]&]*|[^\s'"]\S*)""",
            re.DOTALL,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)(--[\w.-]*(?:passw(?:or)?d|token|secret|key)\s+)(?!-)\S+"), rf"\1{MASK}"),
    (re.compile(rf"(?i)(\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+)(?:{_QUOTED})", re.DOTALL), rf"\1{MASK}"),
    (re.compile(r"(?i)(\bauthorization[\"']?\s*[=:]\s*[\"']?\w+\s+)[^\s'\"]+"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer\s+)(?=\S*\d)[^\s'\"]{8,}"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b((?:set-)?cookie:\s*)[^\r\n]+"), rf"\1{MASK}"),
    (re.compile(r"\b(xox[a-z]|xapp)-[\w-]+"), MASK),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), MASK),  # a JSON web token
    (re.compile(r"\b(SCRAM-SHA-\d+\$\d+:|md5(?=[0-9a-f]{32}\b))\S+"), rf"\1{MASK}"),
    (
        re.compile(
            r"(://(?:hooks\.slack\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks"
            r"|[\w.-]+\.webhook\.office\.com/\w+)/)\S+"
        ),
        rf"\1{MASK}",
    ),
    # libpq quotes what it cannot read of a connection string, which may be the password, or all of it.
    (
        re.compile(
            r"""((?:missing "=" after|percent-encoded token:|invalid integer value|in URI:|query parameter:) )"""
            r"""".*"(?= in connection info| for connection option|\s*$)""",
            re.MULTILINE,
        ),
        rf'\1"{MASK}"',
    ),
    (re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END|\Z)", re.DOTALL), rf"\1{MASK}\2"),
)


def redact(text: str) -> str:
    """Mask secrets in foreign text: passwords in URLs, values of names that are those of secrets, and known tokens.

    Names are taken for those of secrets by their end, such as ``PGPASSWORD`` or ``slack_token``. A word that nothing
    marks as a secret stays.
    """
    for form, masked in _FORMS:
        text = form.sub(masked, text)
    return text
