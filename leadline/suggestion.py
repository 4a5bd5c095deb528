"""The name that somebody probably meant, for the message about one that does not exist."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

SHOWN: Final = 20
"""So many names are listed where none is near."""


def instead(given: str, names: Sequence[str], what: str) -> str:
    """The name that was probably meant, or those that exist: ``known: billing, orders``.

    A name that differs only in case, in the form of its characters, or in being percent-encoded, is the nearest.
    """
    folded = {_folded(name): name for name in reversed(names)}
    near = [folded[_folded(given)]] if _folded(given) in folded else get_close_matches(given, names, 1)
    near = near or [folded[each] for each in get_close_matches(_folded(given), folded, 1)]
    if near:
        return f"did you mean {near[0]}?"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{what}: {', '.join(names[:SHOWN]) or 'none'}{more}"


def _folded(text: str) -> str:
    return normalize("NFKC", unquote(text)).strip().casefold()
