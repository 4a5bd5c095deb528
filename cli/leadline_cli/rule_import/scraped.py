"""The names of metrics that are there: a page that an exporter shows, or the list that Prometheus gives."""

import json
import re
from pathlib import Path

from leadline.errors import UsageError

_NAME = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{.*\})?\s+\S+", re.MULTILINE)


def names(path: Path) -> frozenset[str]:
    """The names in a file: what ``curl EXPORTER/metrics`` or ``curl PROMETHEUS/api/v1/label/__name__/values`` printed.

    Raises UsageError where it has none.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{path}: cannot be read: {reason}") from None
    try:
        found = json.loads(text)["data"]
        listed = frozenset(str(name) for name in found)
    except (ValueError, KeyError, TypeError):
        listed = frozenset(_NAME.findall(text))
    if not listed:
        raise UsageError(f"{path}: it names no metric; give the page of an exporter, or the names from Prometheus")
    return listed
