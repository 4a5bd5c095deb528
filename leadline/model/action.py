"""What people do about an incident: take it, or write something down."""

from typing import Annotated, Literal

from msgspec import Meta

from leadline.model import Time, Value
from leadline.model.ids import IncidentId

Person = Annotated[str, Meta(min_length=1, max_length=255)]
"""Who: a login, a name, an address; Leadline knows no accounts."""


class Action(Value, frozen=True, kw_only=True):
    """One thing one person did. ``action_id`` names it for ever."""

    action_id: str
    incident_id: IncidentId
    kind: Literal["acknowledge", "note"]
    by: Person
    text: Annotated[str, Meta(max_length=4000)] = ""
    at: Time
