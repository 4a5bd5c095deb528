"""An explanation as a page of 80 columns."""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from leadline.logs import escape
from leadline.words import duration, hour

if TYPE_CHECKING:
    from leadline_streams.explain.explanation import Explanation, HeldBack, Look, RuleExplained

WIDTH = 80
MOST_VERDICTS = 6


def page(found: "Explanation", whole: bool = False) -> str:
    """The text. ``whole``: with the rules that are within their limits."""
    lines = [
        *_wrapped(found.answer, ""),
        "",
        *_wrapped(f"{found.subject} at {found.at:%Y-%m-%d %H:%M:%S} UTC, judged from {hour(found.read_from)} on", ""),
    ]
    if found.verdict is not None:
        since = f" since {hour(found.verdict_since)}" if found.verdict_since is not None else ""
        lines += _section("Verdict", [f"{found.verdict}{since}: {found.verdict_why}"])
        before = found.verdicts[-MOST_VERDICTS:]
        if len(before) > 1:
            lines += _section(
                "Verdicts before", [f"{hour(each.at)}  {each.verdict}: {each.why}" for each in before[:-1]]
            )
    lines += _section("Looks", [_look(look) for look in found.looks])
    rules = found.rules if whole else [rule for rule in found.rules if rule.reports]
    lines += _section("Rules", [line for rule in rules for line in _rule(rule)])
    rest = len(found.rules) - len(rules)
    if rest:
        lines += _wrapped(f"{rest} more rules have nothing to report; --all shows them")
    for incident in found.incidents:
        cause = f"; {incident.cause} ({incident.confidence:.2f})" if incident.cause else "; no cause named yet"
        title = f": {incident.title}" if incident.title else ""
        head = f"{incident.incident_id} ({incident.state}, {incident.severity}){title}{cause}"
        lines += _section("Incident", [head, *incident.timeline])
    lines += _section("Held back by", [_held(each) for each in found.held_back])
    if found.sent is not None:
        sent = [f"{hour(each.at)}  {each.target}: {each.outcome}, {each.why}" for each in found.sent]
        lines += _section("Notified", sent or ["nobody: no delivery is recorded"])
    lines += _section("Not seen", found.not_seen)
    return "\n".join(lines)


def _look(look: "Look") -> str:
    ago = f"last look {duration(look.age_s)} before" if look.age_s is not None else "never looked at"
    gap = f", {look.looks} looks, longest gap {duration(look.longest_gap_s)}" if look.looks else ""
    return f"{look.node} ({look.role}, {look.health}): {ago}{gap}" + (f"; {look.note}" if look.note else "")


def _rule(rule: "RuleExplained") -> Iterator[str]:
    severity = f" {rule.severity}" if rule.severity is not None else ""
    since = f" since {hour(rule.breaching_since)}" if rule.breaching_since is not None else ""
    yield f"{rule.rule} on {rule.about}: {rule.state}{severity}{since}; {rule.why}"
    limits = (
        f"{each.name} {_plain(each.value)}" + (f" ({each.origin})" if each.origin != "default" else "")
        for each in rule.limits
    )
    peak = ""
    if rule.peak is not None and rule.peak_at is not None:
        peak = f"; worst {_value(rule.peak, rule.unit)} at {hour(rule.peak_at)}"
    yield f"  limits: {', '.join(limits)}{peak}"


def _plain(value: float | bool | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def _value(value: float, unit: str) -> str:
    from leadline_streams.explain.rule_states import shown

    return shown(value, unit)


def _held(each: "HeldBack") -> str:
    until = f", until {hour(each.until)}" if each.until is not None else ""
    return f"{each.kind.replace('_', ' ')}: {each.what}{until}"


def _section(title: str, texts: Iterable[str]) -> list[str]:
    lines = [line for text in texts for line in _wrapped(text)]
    return ["", title, *lines] if lines else []


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    deeper = indent + "  " if text.startswith("  ") else indent
    return wrap(escape(text.strip()), WIDTH, initial_indent=deeper, subsequent_indent=deeper + "    " if indent else "")
