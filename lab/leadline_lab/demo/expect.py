"""The expectations that a scenario is made of."""

from collections.abc import Sequence

from leadline_lab.demo.observed import Observed
from leadline_lab.demo.scenario import Expectation

HEALTHY = frozenset({"idle", "healthy"})


def healthy(*links: tuple[str, str]) -> Expectation:
    """These links are healthy, their nodes' settings are known, and no alert is open."""

    def met(observed: Observed) -> bool:
        rows = [observed.link(*ends) for ends in links]
        known = {node for ends in links for node in ends} <= observed.settings.keys()
        return known and not observed.alerts and all(row is not None and row.verdict in HEALTHY for row in rows)

    return Expectation(f"all {len(links)} links are healthy and no alert is open", met)


def setting(node: str, name: str, value: str) -> Expectation:
    """The agent of a node has reported a setting's value."""
    return Expectation(
        f"the agent of {node} reports {name} = {value}",
        lambda observed: observed.settings.get(node, {}).get(name) == value,
    )


def verdict(upstream: str, downstream: str, *verdicts: str) -> Expectation:
    """A link has one of these verdicts."""

    def met(observed: Observed) -> bool:
        row = observed.link(upstream, downstream)
        return row is not None and row.verdict in verdicts

    return Expectation(f"the verdict on {upstream} → {downstream} is {' or '.join(verdicts)}", met)


def fires(rule: str, subject: str, key: str = "") -> Expectation:
    """An alert fires on a subject whose identity ends with ``subject``."""
    return Expectation(
        f"{rule} fires on {subject}",
        lambda observed: any(fired == rule and ident.endswith(subject) for fired, ident in observed.fired),
        key,
    )


def audited(rule: str, node: str, *, found: bool = True) -> Expectation:
    """The audit finds a violation of its rule on a node, or does not find one any more."""

    def met(observed: Observed) -> bool:
        alerts = [alert for alert in observed.fleet.alerts.values() if alert.subject.name == rule]
        did = any(ident.endswith(f"/setting/{rule}") for _, ident in observed.fired)
        return did and any(node in alert.summary for alert in alerts) is found

    return Expectation(
        f"the audit {'finds' if found else 'does not find'} {rule} on {node}{'' if found else ' any more'}", met
    )


def proven(downstream: str) -> Expectation:
    """The verifier has compared every row of a server's tables, and they are equal."""
    return Expectation(
        f"the data of {downstream} is proven equal",
        lambda observed: any(
            last.downstream == downstream and last.outcome == "equal" for last in observed.verified.values()
        ),
    )


def joined(rule: str, *causes: str, incidents: int, key: str = "") -> Expectation:
    """There are still only so many incidents; an alert of this rule is in one that names these causes, in any order."""

    def met(observed: Observed) -> bool:
        joins = [one for one in observed.incidents if rule in one.rules and one.state == "open"]
        named = any({cause.code for cause in one.causes} >= set(causes) for one in joins)
        return len(observed.incidents) == incidents and named

    return Expectation(f"{rule} is in the incident of {' and '.join(causes)}", met, key)


def goes_on(*links: tuple[str, str]) -> Expectation:
    """These links are healthy, whatever alerts are open."""

    def met(observed: Observed) -> bool:
        rows = [observed.link(*ends) for ends in links]
        return all(row is not None and row.verdict in HEALTHY for row in rows)

    return Expectation(f"all {len(links)} links are healthy", met)


def opened(key: str = "") -> Expectation:
    """An incident is open."""
    return Expectation("an incident is open", lambda observed: observed.incident is not None, key)


def first_cause(code: str, *words: str, incidents: int = 1, key: str = "") -> Expectation:
    """There are so many incidents, and one of them has this first cause, with these words in its summary."""

    def met(observed: Observed) -> bool:
        first = [incident.causes[0] for incident in observed.incidents if incident.causes]
        named = any(cause.code == code and all(word in cause.summary for word in words) for cause in first)
        return len(observed.incidents) == incidents and named

    return Expectation(f"{_of(incidents, 'incident')}, of which one has the first cause {code}", met, key)


def paged(*words: str, pages: int = 1, key: str = "") -> Expectation:
    """PagerDuty received so many pages, one of them with these words."""

    def met(observed: Observed) -> bool:
        return observed.pages == pages and any(
            _holds(page.text, words) for page in observed.received("pagerduty", "trigger")
        )

    return Expectation(f"PagerDuty received {_of(pages, 'page')}", met, key)


def messaged(*words: str, messages: int = 1) -> Expectation:
    """Slack has so many messages, one of them with these words as it was posted or as it was edited."""

    def met(observed: Observed) -> bool:
        shown = observed.received("slack", "post", "update")
        return observed.messages == messages and any(_holds(message.text, words) for message in shown)

    return Expectation(f"Slack has {_of(messages, 'message')}, with {', '.join(words)}", met)


def closed(incidents: int, key: str = "") -> Expectation:
    """There were so many incidents, all are resolved, and no alert is open."""

    def met(observed: Observed) -> bool:
        states = [incident.state for incident in observed.incidents]
        return states == ["resolved"] * incidents and not observed.alerts

    return Expectation(f"{_of(incidents, 'incident')}, all resolved, and no alert is open", met, key)


def pages_resolved(pages: int) -> Expectation:
    """PagerDuty received the end of each page, and there were no more than these."""

    def met(observed: Observed) -> bool:
        triggers, ends = observed.received("pagerduty", "trigger"), observed.received("pagerduty", "resolve")
        return observed.pages == pages and {event.key for event in ends} == {event.key for event in triggers}

    return Expectation(f"{_of(pages, 'page')}, all resolved in PagerDuty", met)


def messages_resolved(messages: int) -> Expectation:
    """The last edit of each message says that its incident is resolved."""

    def met(observed: Observed) -> bool:
        last = {message.key: message for message in observed.received("slack", "post", "update")}
        ended = [one.kind == "update" and "resolved" in one.text.lower() for one in last.values()]
        return observed.messages == len(ended) == messages and all(ended)

    return Expectation(f"{_of(messages, 'Slack message')}, all of which say that the incident is resolved", met)


def logged(incidents: int) -> Expectation:
    """The incident log has so many incidents, resolved."""
    return Expectation(
        f"the incident log has {_of(incidents, 'incident')}, all resolved",
        lambda observed: list(observed.logged.values()) == ["resolved"] * incidents,
    )


def drafted(*words: str) -> Expectation:
    """The draft of the post-mortem of the first incident holds these words."""
    return Expectation(f"the draft has {', '.join(words)}", lambda observed: _holds(observed.draft, words))


def drafted_too(*words: str) -> Expectation:
    """The draft of another incident holds these words."""
    return Expectation(
        f"another draft has {', '.join(words)}",
        lambda observed: any(_holds(draft, words) for draft in observed.further_drafts),
    )


def _holds(text: str, words: Sequence[str]) -> bool:
    return bool(text) and all(word in text for word in words)


def _of(number: int, thing: str) -> str:
    return f"{('no', 'one', 'two')[number]} {thing}{'' if number == 1 else 's'}"
