"""The buttons of a message, by which people acknowledge and silence an incident from Slack."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson

from leadline.model.incident import Incident
from leadline_sinks.slack import limits

ACKNOWLEDGE: Final = "leadline_acknowledge"
SILENCE: Final = "leadline_silence"
KINDS: Final[Mapping[str, Literal["acknowledge", "silence"]]] = {ACKNOWLEDGE: "acknowledge", SILENCE: "silence"}
"""The action of each button, by its ``action_id``."""


def buttons(incident: Incident) -> Mapping[str, Any] | None:
    """The block with the buttons of an open incident; None without one. Its value says what people saw."""
    value = orjson.dumps({"incident": incident.incident_id, "generation": incident.generation}).decode()
    if incident.state != "open" or len(value) > limits.VALUE_OF_BUTTON or not incident.incident_id.isprintable():
        return None
    shown = [] if incident.acknowledged_by else [_button(ACKNOWLEDGE, "Acknowledge", value) | {"style": "primary"}]
    shown += [] if incident.silenced_by else [_button(SILENCE, "Silence 1 h", value)]
    return {"type": "actions", "elements": shown} if shown else None


def _button(action: str, text: str, value: str) -> dict[str, Any]:
    label = {"type": "plain_text", "text": text, "emoji": False}
    return {"type": "button", "action_id": action, "text": label, "value": value}
