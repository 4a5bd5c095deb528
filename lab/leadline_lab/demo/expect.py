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
        return known and not observed.fleet.alerts and all(row is not None and row.verdict in HEALTHY for row in rows)

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


def opened(key: str = "") -> Expectation:
    """An incident is open."""
    return Expectation("an incident is open", lambda observed: observed.incident is not None, key)


def first_cause(code: str, *words: str, key: str = "") -> Expectation:
    """The only incident has this first cause, and its summary holds these words."""

    def met(observed: Observed) -> bool:
        causes = observed.causes
        return (
            len(observed.fleet.incidents) == 1
            and bool(causes)
            and causes[0].code == code
            and all(word in causes[0].summary for word in words)
        )

    return Expectation(f"the first cause is {code}, with {', '.join(words)}", met, key)


def also_cause(code: str, *words: str) -> Expectation:
    """The only incident names this cause too."""

    def met(observed: Observed) -> bool:
        named = [cause.summary for cause in observed.causes if cause.code == code]
        return len(observed.fleet.incidents) == 1 and any(all(word in summary for word in words) for summary in named)

    return Expectation(f"the same incident names {code}, with {', '.join(words)}", met)


def paged(*words: str, key: str = "") -> Expectation:
    """PagerDuty received one page, with these words."""

    def met(observed: Observed) -> bool:
        return observed.pages == 1 and any(
            _holds(page.text, words) for page in observed.received("pagerduty", "trigger")
        )

    return Expectation("PagerDuty received one page", met, key)


def messaged(*words: str) -> Expectation:
    """Slack has one message, with these words as it was posted or as it was edited."""

    def met(observed: Observed) -> bool:
        shown = observed.received("slack", "post", "update")
        return observed.messages == 1 and any(_holds(message.text, words) for message in shown)

    return Expectation(f"Slack has one message, with {', '.join(words)}", met)


def closed(key: str = "") -> Expectation:
    """The only incident is resolved, and no alert is open."""

    def met(observed: Observed) -> bool:
        states = [incident.state for incident in observed.fleet.incidents.values()]
        return states == ["resolved"] and not observed.fleet.alerts

    return Expectation("the one incident is resolved and no alert is open", met, key)


def page_resolved() -> Expectation:
    """PagerDuty received the end of the page, and there was one page only."""

    def met(observed: Observed) -> bool:
        pages, ends = observed.received("pagerduty", "trigger"), observed.received("pagerduty", "resolve")
        return observed.pages == 1 and {event.key for event in ends} == {event.key for event in pages}

    return Expectation("the one page is resolved in PagerDuty", met)


def message_resolved() -> Expectation:
    """The last edit of the only message says that the incident is resolved."""

    def met(observed: Observed) -> bool:
        shown = observed.received("slack", "post", "update")
        return observed.messages == 1 and len(shown) > 1 and "resolved" in shown[-1].text.lower()

    return Expectation("the one Slack message says that the incident is resolved", met)


def logged() -> Expectation:
    """The incident log has the one incident, resolved."""
    return Expectation(
        "the incident log has the one incident, resolved",
        lambda observed: list(observed.logged.values()) == ["resolved"],
    )


def drafted(*words: str) -> Expectation:
    """The draft of the post-mortem holds these words."""
    return Expectation(f"the draft has {', '.join(words)}", lambda observed: _holds(observed.draft, words))


def _holds(text: str, words: Sequence[str]) -> bool:
    return bool(text) and all(word in text for word in words)
