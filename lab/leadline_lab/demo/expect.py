"""What a scenario can expect to observe."""

from collections.abc import Sequence

from leadline_lab.demo.observed import Seen
from leadline_lab.demo.scenario import Expectation

CALM = frozenset({"idle", "healthy"})


def calm(*links: tuple[str, str]) -> Expectation:
    """These links are well, their nodes' settings are known, and there is no alert."""

    def met(seen: Seen) -> bool:
        rows = [seen.link(*ends) for ends in links]
        known = {node for ends in links for node in ends} <= seen.settings.keys()
        return known and not seen.fleet.alerts and all(row is not None and row.verdict in CALM for row in rows)

    return Expectation(f"all {len(links)} links are well and nothing is alerted", met)


def setting(node: str, name: str, value: str) -> Expectation:
    """The agent of a node has seen a setting's value."""
    return Expectation(
        f"the agent saw {name} = {value} on {node}",
        lambda seen: seen.settings.get(node, {}).get(name) == value,
    )


def verdict(upstream: str, downstream: str, *verdicts: str) -> Expectation:
    """A link is judged so."""

    def met(seen: Seen) -> bool:
        row = seen.link(upstream, downstream)
        return row is not None and row.verdict in verdicts

    return Expectation(f"the verdict on {upstream} → {downstream} is {' or '.join(verdicts)}", met)


def fires(rule: str, subject: str, key: str = "") -> Expectation:
    """An alert fires on a subject whose identity ends so."""
    return Expectation(
        f"{rule} fires on {subject}",
        lambda seen: any(fired == rule and ident.endswith(subject) for fired, ident in seen.fired),
        key,
    )


def opened(key: str = "") -> Expectation:
    """An incident is open."""
    return Expectation("an incident is open", lambda seen: seen.incident is not None, key)


def first_cause(code: str, *words: str, key: str = "") -> Expectation:
    """The only incident's first cause is this, and its summary holds these words."""

    def met(seen: Seen) -> bool:
        causes = seen.causes
        return (
            len(seen.fleet.incidents) == 1
            and bool(causes)
            and causes[0].code == code
            and all(word in causes[0].summary for word in words)
        )

    return Expectation(f"the first cause is {code}, naming {', '.join(words)}", met, key)


def also_cause(code: str, *words: str) -> Expectation:
    """The only incident names this cause too."""

    def met(seen: Seen) -> bool:
        named = [cause.summary for cause in seen.causes if cause.code == code]
        return len(seen.fleet.incidents) == 1 and any(all(word in summary for word in words) for summary in named)

    return Expectation(f"the same incident names {code}, with {', '.join(words)}", met)


def paged(*words: str, key: str = "") -> Expectation:
    """PagerDuty was triggered once, with these words."""

    def met(seen: Seen) -> bool:
        return seen.pages == 1 and any(_holds(it.text, words) for it in seen.arrived("pagerduty", "trigger"))

    return Expectation("PagerDuty got one page", met, key)


def messaged(*words: str) -> Expectation:
    """Slack has one message, with these words, be it as posted or as edited."""

    def met(seen: Seen) -> bool:
        shown = seen.arrived("slack", "post", "update")
        return seen.messages == 1 and any(_holds(it.text, words) for it in shown)

    return Expectation(f"Slack has one message; it says {', '.join(words)}", met)


def closed(key: str = "") -> Expectation:
    """The only incident is over, and no alert is left."""

    def met(seen: Seen) -> bool:
        states = [incident.state for incident in seen.fleet.incidents.values()]
        return states == ["resolved"] and not seen.fleet.alerts

    return Expectation("the one incident is resolved and no alert is left", met, key)


def unpaged() -> Expectation:
    """PagerDuty heard that it is over, and still of one page only."""

    def met(seen: Seen) -> bool:
        pages, ends = seen.arrived("pagerduty", "trigger"), seen.arrived("pagerduty", "resolve")
        return seen.pages == 1 and {it.key for it in ends} == {it.key for it in pages}

    return Expectation("PagerDuty resolved the one page", met)


def edited_to_the_end() -> Expectation:
    """The last edit of the only message says that it is over."""

    def met(seen: Seen) -> bool:
        shown = seen.arrived("slack", "post", "update")
        return seen.messages == 1 and len(shown) > 1 and "resolved" in shown[-1].text.lower()

    return Expectation("the one Slack message was edited and says that it is resolved", met)


def logged() -> Expectation:
    """The incident log has the one incident, over."""
    return Expectation(
        "the incident log has the one incident, resolved", lambda seen: list(seen.logged.values()) == ["resolved"]
    )


def drafted(*words: str) -> Expectation:
    """The draft of the post-mortem holds these words."""
    return Expectation(f"the draft names {', '.join(words)}", lambda seen: _holds(seen.draft, words))


def _holds(text: str, words: Sequence[str]) -> bool:
    return bool(text) and all(word in text for word in words)
