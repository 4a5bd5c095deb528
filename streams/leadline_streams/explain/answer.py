"""An explanation in one line: the state, the reason, and what people were sent."""

from collections.abc import Sequence

from leadline.words import duration, hour
from leadline_streams.explain.explanation import HeldBack, IncidentExplained, Outcome, RuleExplained, TargetNotified
from leadline_streams.explain.rule_states import shown


def outcome_of(rules: Sequence[RuleExplained], seen: bool) -> Outcome:
    """The state of a subject by its worst rule. ``seen``: an end of it was looked at a short time ago."""
    states = {rule.state for rule in rules}
    for state, outcome in (("firing", "fires"), ("unknown", "unknown"), ("pending", "pending")):
        if state in states:
            return outcome  # type: ignore[return-value]  # a literal of the table above
    return "quiet" if seen else "not_seen"


def answer(
    name: str,
    outcome: Outcome,
    rules: Sequence[RuleExplained],
    incidents: Sequence[IncidentExplained],
    held_back: Sequence[HeldBack],
    sent: Sequence[TargetNotified] | None,
) -> str:
    """The whole explanation in one sentence or two."""
    if outcome == "not_seen":
        return f"{name} is not seen: no look at it was judged a short time before, so nothing is known of it."
    if outcome == "quiet":
        return _quiet(name, rules)
    first = rules[0]
    since = f" since {hour(first.breaching_since)}" if first.breaching_since is not None else ""
    if outcome == "pending":
        if first.fires_in_s is None:
            return f"{name} does not alert: {first.rule} breached{since}; {first.why}."
        wait = f"it fires in {duration(first.fires_in_s)} if it lasts"
        return f"{name} does not alert yet: {first.rule} breaches{since}; {wait}."
    if outcome == "unknown":
        return f"{name}: {first.rule} fired{since} and cannot be measured now; it stays open until data is back."
    others = sum(rule.state == "firing" for rule in rules) - 1
    more = f" and {others} other rule{'s' * (others > 1)}" if others else ""
    fire = f"fire, the first breaching{since}" if others else f"fires, breaching{since}"
    return f"{name} alerts: {first.rule} ({first.severity}){more} {fire}; {_paged(incidents, held_back, sent)}."


def _paged(
    incidents: Sequence[IncidentExplained], held_back: Sequence[HeldBack], sent: Sequence[TargetNotified] | None
) -> str:
    if not incidents:
        why = next((each for each in held_back if each.kind in ("notice", "standing")), None)
        return "nobody is paged: " + (why.what if why is not None else "it is part of no incident yet")
    incident = incidents[0]
    cause = f" ({incident.cause})" if incident.cause else ", cause not named yet"
    if sent is None:
        return f"it is part of {incident.incident_id}{cause}; who was notified is not in a recording of samples"
    notified = [each.target for each in sent if each.outcome in ("sent", "partial", "nothing_new")]
    if notified:
        were = "was" if len(set(notified)) == 1 else "were"
        return f"{', '.join(dict.fromkeys(notified))} {were} notified of {incident.incident_id}{cause}"
    why = next((each for each in held_back if each.kind in ("silence", "datacenter")), None)
    if why is not None:
        return f"nobody was notified of {incident.incident_id}{cause}: {why.what}"
    return f"no delivery of {incident.incident_id}{cause} is recorded"


def _quiet(name: str, rules: Sequence[RuleExplained]) -> str:
    near = next((rule for rule in rules if rule.longest_breach_s > 0.0), None)
    if near is not None:
        for_s = next((each.value for each in near.limits if each.name == "for_s"), None)
        needed = duration(float(for_s)) if for_s is not None else "-"
        return (
            f"{name} does not alert: {near.rule} breached for {duration(near.longest_breach_s)} at most, with "
            f"{shown(near.peak, near.unit)} at its worst, and an alert needs {needed}."
        )
    unmeasured = sum(rule.state == "not_measured" for rule in rules)
    if unmeasured:
        rest = f"{unmeasured} of its {len(rules)} rules cannot be measured, the others are within limits"
        return f"{name} does not alert: {rest}."
    return f"{name} does not alert: all of its {len(rules)} rules are within their limits."
