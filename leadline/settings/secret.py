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

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._value, self._file) == (other._value, other._file)

    def __hash__(self) -> int:
        return hash((self._value, self._file))


_QUOTED: Final = r"""'(?:\\.|''|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_FORMS: Final = (
    # user:password@ in a URL; the password may hold / and @.
    (re.compile(r"(://[^\s:/@]*:)\S*@"), rf"\1{MASK}@"),
    # A name and a value: settings, variables, headers, JSON, YAML, connection strings; SQL has no = between them. Not
    # what is wrong with a setting: ``routing_key: missing; …`` or ``token: not …``.
    (
        re.compile(
            r"(?i)((?:passw(?:or)?d|passphrase|pwd|token|secret"
            r"|(?:api|access|routing|signing|private)[_ .-]?key)"
            rf"""["']?(?:\s*[=:]\s*|\s+(?='))(?!(?:missing|not)[; ]))(?:{_QUOTED}|[^\s'"]\S*)"""
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)(\bauthorization[\"']?\s*[=:]\s*[\"']?\w+\s+)[\w.~+/=-]+"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer\s+)(?=\S*\d)[\w.~+/=-]{8,}"), rf"\1{MASK}"),
    (re.compile(r"\b(xox[a-z]|xapp)-[\w-]+"), MASK),
    (re.compile(r"(://hooks\.slack\.com/(?:services|workflows|triggers)/)\S+"), rf"\1{MASK}"),
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
