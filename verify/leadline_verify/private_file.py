"""Files with keys and values of rows, which may be personal data."""

import os
from pathlib import Path
from typing import IO

from leadline.errors import UsageError


def open_private(file: Path, option: str) -> IO[bytes]:
    """Open a file to be written from its beginning, which only its owner can read, also where it was there before.

    ``option`` is that of the command which names it. Raises UsageError.
    """
    try:
        stream = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")
        if file.is_file():
            os.fchmod(stream.fileno(), 0o600)
    except OSError as error:
        raise UsageError(f"{option}: cannot write {file}: {error.strerror}") from None
    return stream
