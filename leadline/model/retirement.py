"""The word of a person that a node is gone for good."""

from leadline.model import Time, Value
from leadline.model.action import Person
from leadline.model.ids import ClusterName, NodeName


class Retirement(Value, frozen=True, kw_only=True, tag="retirement", tag_field="kind"):
    """A node is forgotten: its alerts end. One that answers is not, and one that answers later is a node again."""

    retirement_id: str
    cluster: ClusterName
    node: NodeName
    by: Person
    sent_at: Time
    """The clock of their computer."""
