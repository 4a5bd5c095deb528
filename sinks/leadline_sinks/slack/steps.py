"""The fix of a cause as mrkdwn: servers and risks in words, statements in code blocks that can be copied."""

from collections.abc import Iterator, Sequence
from typing import Final

from leadline.model.incident import Cause, Step
from leadline.steps import StepGroup, grouped
from leadline_sinks.slack import limits
from leadline_sinks.slack.text import block, exact, joined, name, prose

MOST: Final = 20
"""Steps that are considered; the longest fix of ours has far fewer."""
_ALTERED: Final = (
    "_This statement holds characters that are replaced here. Copy it from_ `leadline incidents show --format json`"
)


def fix(cause: Cause, limit: int) -> str:
    """The steps in order, as many as fit, and how many did not. No statement is cut.

    Records without steps have the text ``fix``, which is shown as words.
    """
    if not cause.steps:
        return prose(cause.fix, limit) or "-"
    for count in range(min(MOST, len(cause.steps)), 0, -1):
        shown = "\n".join([*_lines(cause.steps[:count], limit), *_left_out(len(cause.steps) - count, "more ")])
        if len(shown) <= limit:
            return shown
    return "".join(_left_out(len(cause.steps), ""))


def _lines(steps: Sequence[Step], limit: int) -> Iterator[str]:
    place = ""
    for group in grouped(steps):
        if group.place and group.place != place:
            yield _place(group)
        place = group.place
        if group.warning:
            risk, _, meaning = group.warning.partition(": ")
            yield f"*{risk}*: {meaning}"
        if group.statements:
            yield block(group.lines)
            if not all(map(exact, group.lines)):
                yield _ALTERED
        else:
            yield from (prose(line, limit) for line in group.lines)


def _place(group: StepGroup) -> str:
    database = f", database {name(group.database)}" if group.database else ""
    return f"On {name(group.node)}{database}:"


def _left_out(count: int, more: str) -> list[str]:
    steps = "step" if count == 1 else "steps"
    return [f"… {count} {more}{steps}, too long to show here; see `leadline incidents show`"] if count else []


def withdrawn(steps: Sequence[str]) -> str | None:
    """The steps that are not proposed any more; None without one."""
    shown = [f"• {name(step, limits.WITHDRAWN // 3)}" for step in steps]
    return joined(["*Withdrawn, do not do this*:", *shown], "\n", limits.WITHDRAWN) if shown else None
