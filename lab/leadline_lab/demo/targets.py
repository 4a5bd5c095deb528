"""Whom the demo tells: the receiver in the vendors' place, and the real ones when the environment names them."""

from typing import Any, Final

from leadline.settings.plain import revealed
from leadline.settings.sink import SinkSettings

LOCAL: Final = ("slack", "pagerduty")
OWN: Final = {"slack": "own-slack", "pagerduty": "own-pagerduty"}
"""Names of the real ones."""
TOKEN: Final = "xoxb-demo"  # noqa: S105  the receiver takes any that looks like one
ROUTING_KEY: Final = "0123456789abcdef0123456789abcdef"
CHANNEL: Final = "#incidents"
NOTIFY: Final = {"group_wait_s": 3.0, "critical_wait_s": 2.0, "update_every_s": 2.0}
"""Quicker than production, where a few seconds more spare people messages."""


def sink_settings(receiver_url: str, log_dsn: str, own: SinkSettings) -> dict[str, Any]:
    """Settings of ``leadline sink``, secrets revealed: for a file that only we can read."""
    return {
        "slack": {"token": TOKEN, "channel": CHANNEL, "api_url": f"{receiver_url}/api"},
        "pagerduty": {"routing_key": ROUTING_KEY, "url": receiver_url},
        "incident_log": {"dsn": log_dsn},
        "targets": {
            **({OWN["slack"]: {"slack": revealed(own.slack)}} if own.slack.wanted else {}),
            **({OWN["pagerduty"]: {"pagerduty": revealed(own.pagerduty)}} if own.pagerduty.wanted else {}),
        },
        "notify": NOTIFY,
    }


def own_targets(own: SinkSettings) -> tuple[str, ...]:
    """Names of the real ones that are told too."""
    return tuple(name for kind, name in OWN.items() if getattr(own, kind).wanted)
