"""The demo's targets: the receiver in the vendors' place, and the real ones when environment variables name them."""

from typing import Any, Final

from leadline.settings.environment import variable
from leadline.settings.plain import revealed
from leadline.settings.sink import SinkSettings
from leadline_lab.sandbox.port import HOST

LOCAL: Final = ("slack", "pagerduty")
OWN: Final = {"slack": "own-slack", "pagerduty": "own-pagerduty"}
"""Names of the real targets."""
TOKEN: Final = "xoxb-demo"  # noqa: S105  the receiver accepts every well-formed token
ROUTING_KEY: Final = "0123456789abcdef0123456789abcdef"
CHANNEL: Final = "#incidents"
NOTIFY: Final = {"group_wait_s": 3.0, "critical_wait_s": 2.0, "update_every_s": 2.0}
"""Shorter than in production, where a few seconds more save messages."""


def environment_of(bootstrap: str) -> str:
    """The variable that leads commands in another terminal to Kafka at this address."""
    return f"{variable(('kafka', 'bootstrap'))}={bootstrap}"


def sink_settings(
    receiver_url: str, log_dsn: str, own: SinkSettings, *, console_url: str, bootstrap: str
) -> dict[str, Any]:
    """Settings of ``leadline sink`` with the secrets revealed, for a file that only this user can read.

    ``console_url`` and ``bootstrap``, the address of Kafka, are for the links and commands in messages.
    """
    acknowledge = f"{environment_of(bootstrap)} leadline incidents ack"
    return {
        "slack": {"token": TOKEN, "channel": CHANNEL, "api_url": f"{receiver_url}/api"},
        "pagerduty": {"routing_key": ROUTING_KEY, "url": receiver_url},
        "incident_log": {"dsn": log_dsn},
        "targets": {
            **({OWN["slack"]: {"slack": revealed(own.slack)}} if own.slack.wanted else {}),
            **({OWN["pagerduty"]: {"pagerduty": revealed(own.pagerduty)}} if own.pagerduty.wanted else {}),
        },
        "routes": [{"match": {"rule": "audit_*"}, "to": []}],
        "notify": {**NOTIFY, "acknowledge": acknowledge, "console_url": console_url},
        **({"proxy": {**revealed(own.proxy), "direct": [*own.proxy.direct, HOST]}} if own.proxy.url else {}),
    }


def own_targets(own: SinkSettings) -> tuple[str, ...]:
    """Names of the real targets that are configured."""
    return tuple(name for kind, name in OWN.items() if getattr(own, kind).wanted)
