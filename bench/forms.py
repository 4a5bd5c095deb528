"""The records that agents send of a fleet, in the form that is the default: most looks as vitals."""

from leadline.clock import ManualClock
from leadline.model.observation import Sample
from leadline.model.pg_vitals import PostgresqlVitals
from leadline.wire import Outgoing, outgoing, outgoing_vitals
from leadline_agents.wire_form import WireForm


class Forms:
    """The records of a fleet's agents that send vitals, to the topics with a prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._of: dict[tuple[str, str], tuple[WireForm, ManualClock]] = {}

    def of(self, sample: Sample) -> Outgoing:
        """The record of the next look at a node, a second after the last."""
        node = sample.node
        if (node.cluster, node.name) not in self._of:
            clock = ManualClock()
            self._of[node.cluster, node.name] = WireForm(PostgresqlVitals, clock), clock
        form, clock = self._of[node.cluster, node.name]
        sent = form.of(sample)
        clock.advance(1.0)
        if isinstance(sent, Sample):
            return outgoing(sent, self._prefix)
        return outgoing_vitals(sent, node.cluster, self._prefix)
