"""Actions of people on an incident: an acknowledgement or a note."""

from typing import Annotated, Literal

from msgspec import Meta

from leadline.model import Int64, Time, Value
from leadline.model.ids import IncidentId

Person = Annotated[str, Meta(min_length=1, max_length=255)]
"""A login, a name or an address. Leadline has no user accounts."""


class Action(Value, frozen=True, kw_only=True):
    """One action of one person. ``action_id`` is unique."""

    action_id: str
    incident_id: IncidentId
    kind: Literal["acknowledge", "note"]
    by: Person
    text: Annotated[str, Meta(max_length=4000)] = ""
    at: Time
    generation: Int64 | None = None
    """The generation of the incident that the person knew; an acknowledgement covers no later one. None where that is
    not known: then it covers what each target had been sent."""
