"""The open incidents that a watch leaves behind at its end, and how to close what it opened at each target.

Nobody notifies the targets of their end: the watch has ended, and the problems have not. It does not resolve the alerts
itself, since that would report an end that nobody saw.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from shlex import quote
from typing import Final

from leadline.logs import escape
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.settings.environment import variable
from leadline.settings.sink import SinkSettings

KEY: Final = variable(("pagerduty", "routing_key"))
KEY_FILE: Final = f"{KEY}_FILE"


def left_open(
    incidents: Iterable[Incident], notified: Mapping[str, Mapping[str, Delivery]], settings: SinkSettings
) -> Iterator[str]:
    """A line for each open incident of which a target was notified, and one for each target below it."""
    for incident in incidents:
        targets = notified.get(incident.incident_id, {})
        if incident.state == "open" and targets:
            yield escape(f"still open: {incident.title} ({incident.incident_id}); to close it there:")
            for name, delivery in sorted(targets.items()):
                for how in _how(delivery, settings):
                    yield escape(f"  {name}: {how}")


def _how(delivery: Delivery, settings: SinkSettings) -> Iterator[str]:
    match delivery.sink:
        case "pagerduty" if settings.pagerduty is not None:
            yield from (_resolve(settings.pagerduty.url, each) for each in _alerts(delivery))
        case "slack" if {"channel", "ts"} <= delivery.receipt.keys():
            channel, ts = delivery.receipt["channel"], delivery.receipt["ts"].replace(".", "")
            yield f"reply to its message, https://slack.com/archives/{channel}/p{ts}"
        case "slack":
            yield "reply to its message in the channel"
        case _:
            yield "it gets no event of the end"


def _alerts(delivery: Delivery) -> list[str]:
    """The keys of the alerts in PagerDuty that are not resolved."""
    from leadline_sinks.pagerduty.event import dedup_key

    ended = delivery.receipt.get("ended", "").split()
    return [dedup_key(delivery.incident_id, each) for each in delivery.rang or [1] if str(each) not in ended]


def _resolve(url: str, key: str) -> str:
    """The command that resolves an alert. The routing key stays in its variable or its file."""
    secret = f'$(cat "${KEY_FILE}")' if KEY_FILE in os.environ else f"${KEY}"
    before, after = json.dumps({"routing_key": "*", "event_action": "resolve", "dedup_key": key}).split("*", 1)
    body = f'{quote(before)}"{secret}"{quote(after)}'
    return f"curl -sS {quote(url.rstrip('/') + '/v2/enqueue')} -H 'content-type: application/json' -d {body}"
