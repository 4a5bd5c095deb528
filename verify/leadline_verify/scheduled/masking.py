"""Keys of rows as far as the settings let them leave. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from leadline.settings.verify import Keys

MOST_KEY: Final = 255
_PLAIN: Final = re.compile(
    r"-?\d{1,40}(\.\d{1,40})?"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4,6}-\d{2}-\d{2}([ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([+-]\d{2}(:?\d{2})?)?)?"
    r"|\(\d{1,10},\d{1,5}\)"
).fullmatch
"""Numbers, UUIDs, dates with or without a time, and places in a table: what names nobody by itself."""


def key_in_words(key: Mapping[str, str | None], keys: Keys) -> str | None:
    """A key as text, ``id=5``, ``region=?, id=5``; None where keys are not published."""
    if keys == "off" or not key:
        return None
    return ", ".join(f"{column}={_value(value, keys)}" for column, value in key.items())[:MOST_KEY]


def _value(value: str | None, keys: Keys) -> str:
    if value is None:
        return "NULL"
    return value if keys == "full" or _PLAIN(value) else "?"
