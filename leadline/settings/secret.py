"""Secrets: values that print masked."""

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

    @property
    def file(self) -> Path | None:
        """The file that it is in; None where the settings have it."""
        return self._file

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
