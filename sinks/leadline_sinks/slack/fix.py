"""A cause's fix, taken apart into words and statements to run."""

import re
from collections.abc import Iterator
from typing import Final

_LONGEST: Final = 4000
"""What is looked at: causes' own are far shorter."""
_STATEMENT: Final = re.compile(
    r"\b(?:SELECT|ALTER|CREATE|DROP|TRUNCATE|GRANT|REVOKE|CHECKPOINT|REINDEX|VACUUM|BEGIN|COMMIT|ROLLBACK)\b"
    r"""(?:[^;'"]|'[^']*'|"[^"]*")*+;"""
)
"""From a keyword in capitals to the semicolon that is in no quotes. Doubled quotes are two strings side by side."""


def parts(fix: str) -> Iterator[tuple[str, list[str]]]:
    """Words, and the statements that follow them. Either may be empty."""
    fix = fix[:_LONGEST]
    words, statements, end = "", list[str](), 0
    for found in _STATEMENT.finditer(fix):
        between = fix[end : found.start()].strip()
        if between:
            if words or statements:
                yield words, statements
            words, statements = between, []
        statements.append(found[0])
        end = found.end()
    rest = fix[end:].strip()
    if words or statements:
        yield words, statements
    if rest:
        yield rest, []
