"""The name that somebody probably meant, for the message about one that does not exist."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

SHOWN: Final = 20
"""So many names are listed where none is near."""


def instead(given: str, names: Sequence[str], what: str) -> str:
    """The name that was probably meant, or those that exist: ``known: billing, orders``."""
    near = get_close_matches(given, names, 1)
    if near:
        return f"did you mean {near[0]}?"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{what}: {', '.join(names[:SHOWN]) or 'none'}{more}"
