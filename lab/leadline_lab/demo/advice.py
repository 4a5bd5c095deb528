"""The statements in an incident's fix, for whoever does as it says."""

import re
from typing import Final

_PLACE: Final = re.compile(r"On (?P<node>[^\s:,]+): (?P<statements>.+)", re.DOTALL)
_STATEMENT: Final = re.compile(r"(SELECT|ALTER)\s")


def statements(fix: str) -> tuple[str, list[str]]:
    """The node and what to run there, in order; an empty list where the fix is not made of statements alone.

    No statement in a fix holds a semicolon.
    """
    found = _PLACE.fullmatch(fix)
    if found is None:
        return "", []
    given = [part.strip() for part in found["statements"].split(";") if part.strip()]
    return found["node"], given if all(map(_STATEMENT.match, given)) else []
