"""The end of a value in a text: in quotes, which may be escaped or doubled, or without. Pure.

Where the end of a quoted value is not in the text, the value reaches to the end of the text: it was cut off. What is
looked at is masked, or ends at the next quote, so no text is read again for each of its parts.
"""

import re
from typing import Final

_OPENING: Final = re.compile(r"(?:[ebn]|u&)?(?P<escape>\\*+)(?P<run>(?P<quote>[\"'])(?P=quote)*+)", re.IGNORECASE)
_DOLLARS: Final = re.compile(r"\$(?:[^\W\d]\w{0,62})?\$")
_PLAIN: Final = {
    # A backslash before '"'"', a quote in a word of a shell, is no escape there.
    "'": re.compile(r"""(?:[^'\\]++|\\(?='"'"')|\\(?:.|\Z)|'')*+(?:'|\Z)""", re.DOTALL),
    '"': re.compile(r"""(?:[^"\\]++|\\(?:.|\Z)|"")*+(?:"|\Z)""", re.DOTALL),
}
_ESCAPED: Final = {quote: re.compile(rf"(?<!\\)(\\*+){quote}") for quote in "'\""}
_RUNS: Final = {quote: re.compile(rf"(?<!\\)(\\*+)({quote}++)") for quote in "'\""}
_GOES_ON: Final = re.compile(r"""\s*\n\s*'|(?:"'"|\\')'""")
_GLUED: Final = re.compile(r"[^\s,;)}\]&'\"\\<>/]++")
_EMPTY: Final = re.compile(r"[\s,;)}\]&]|\Z")
_BLOCK: Final = re.compile(r"[|>][+-]?\d?[+-]?[ \t]*+\n(?:[ \t]++[^\n]*+(?:\n|\Z)|\n)++")
_BRACKETS: Final = {"[": re.compile(r"[^\]]*+\]?"), "{": re.compile(r"[^}]*+}?")}
_WORD: Final = re.compile(r"(?:\\\s|\S)++")
_IN_PARAMETERS: Final = re.compile(r"[^&\s]++")
_ENCODED: Final = re.compile(r"(?:%(?!20|26|0a)|[^%&\s\"'])++", re.IGNORECASE)


def value_end(text: str, at: int, *, parameter: bool = False, encoded: bool = False) -> int:
    """The end of the value that begins at ``at``; ``at`` itself where there is none.

    ``parameter``: it is one of a URL, and ends before ``&``. ``encoded``: it is in percent-encoded text.
    """
    end = quoted_end(text, at)
    if end is not None:
        return end
    if encoded or parameter:
        return _end(_ENCODED if encoded else _IN_PARAMETERS, text, at)
    block = _BLOCK.match(text, at)
    if block:
        return block.end()
    bracket = _BRACKETS.get(text[at : at + 1])
    return _end(bracket or _WORD, text, at)


def quoted_end(text: str, at: int) -> int | None:
    """The end of a value in quotes or dollars; ``at`` where it is empty, None where none begins there."""
    tag = _DOLLARS.match(text, at)
    if tag:
        closing = text.find(tag[0], tag.end())
        return len(text) if closing < 0 else closing + len(tag[0])
    opening = _OPENING.match(text, at)
    if opening is None:
        return None
    quote, escape, run = opening["quote"], len(opening["escape"]), len(opening["run"])
    if escape:
        return _escaped_end(text, opening.start("run") + 1, quote, escape)
    if run % 2 == 0:
        end = _doubled_end(text, opening.end(), quote, run)
        return end if end > opening.end() else at
    return _plain_end(text, opening.start("run") + 1, quote)


def _plain_end(text: str, at: int, quote: str) -> int:
    """A value between two quotes; a doubled quote or one behind a backslash is a part of it.

    A string of SQL goes on behind a line break, and a word of a shell behind a quote in other quotes.
    """
    end = _end(_PLAIN[quote], text, at)
    while quote == "'" and (further := _GOES_ON.match(text, end)):
        end = _end(_PLAIN[quote], text, further.end())
    return _end(_GLUED, text, end)


def _escaped_end(text: str, at: int, quote: str, escape: int) -> int:
    """A value between quotes that have ``escape`` backslashes each, since they are inside of another text.

    One more level of escaping makes ``escape + 1`` backslashes of each. A quote with fewer ends the text around it.
    """
    for found in _ESCAPED[quote].finditer(text, at):
        backslashes = len(found[1])
        if backslashes < escape:
            return found.start()
        if (backslashes - escape) // (escape + 1) % 2 == 0:
            return found.end()
    return len(text)


def _doubled_end(text: str, at: int, quote: str, run: int) -> int:
    """A value between runs of ``run`` quotes, in a string of SQL or a cell of CSV; or an empty value and no more.

    In it each quote is doubled once more, or has a backslash before its run. Its last run may have the quote that ends
    the string around it.
    """
    start = at
    empty = _EMPTY.match(text, at) is not None
    for found in _RUNS[quote].finditer(text, at):
        rest = (len(found[2]) - len(found[1]) % 2 * run) % (2 * run)
        if rest >= run:
            return found.end() - (rest - run)
        if rest:
            return start if empty and at == start else found.start(2)
        at = found.end()
    return start if empty and at == start else len(text)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
