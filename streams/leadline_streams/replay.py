"""Recorded samples judged again: the same records and policy give the same transitions."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from leadline.model.alert import Transition
from leadline.recording import Recorded
from leadline.signature import SIGNATURE, SignatureCheck
from leadline.wire import UNSIGNED
from leadline_streams.assembly import ClusterFactory
from leadline_streams.judge.alerting import Output
from leadline_streams.judge.auditor import Auditor
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.tracer import Tracer
from leadline_streams.runtime.partition import Partition


class Decision(NamedTuple):
    """A decision without its words, for ``compare``."""

    event_time: str
    cluster: str
    rule: str
    subject: str
    from_: str
    to: str
    severity: str


class Replay:
    """Judges records as the processor does, partition by partition, in the order given.

    With a verifier, records that the key of their cluster did not sign are rejected; without one, signatures are not
    looked at.
    """

    def __init__(
        self,
        policy: Policy,
        verifier: SignatureCheck | None = None,
        auditor: Auditor | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._factory = ClusterFactory(policy, auditor, tracer)
        self._verifier = verifier
        self._partitions: dict[tuple[str, int], Partition] = {}
        self.records = 0
        self.signed = 0
        """Records with a signature, whether it is valid or not."""
        self.rejected = 0
        self.unsigned = 0
        """Those that were rejected because of their signature, or because they have none."""

    @property
    def checks_signatures(self) -> bool:
        """Whether it has a verifier."""
        return self._verifier is not None

    def states(self) -> Iterator[ClusterState]:
        """The clusters as they are now, read only."""
        for partition in self._partitions.values():
            for cluster in partition.clusters.values():
                if isinstance(cluster.fold, ClusterState):
                    yield cluster.fold

    def run(self, records: Iterable[Recorded]) -> Iterator[Output]:
        """Every output that the records cause."""
        for record in records:
            place = record.topic, record.partition
            partition = self._partitions.get(place)
            if partition is None:
                partition = Partition(record.partition, record.offset, self._factory, {}, float("inf"), self._verifier)
                self._partitions[place] = partition
            folded = partition.fold([record], 0.0)
            self.records += 1
            self.signed += any(name == SIGNATURE for name, _ in record.headers)
            self.rejected += len(folded.rejected)
            self.unsigned += sum(bad.reason == UNSIGNED for bad in folded.rejected)
            for _, output in folded.outputs:
                yield output


def compare(before: Iterable[Output], after: Iterable[Output]) -> tuple[list[Transition], list[Transition]]:
    """Transitions that only the first has, and that only the second has, each in its order."""
    ours = {_decision(output): output for output in before if isinstance(output, Transition)}
    theirs = {_decision(output): output for output in after if isinstance(output, Transition)}
    return (
        [output for step, output in ours.items() if step not in theirs],
        [output for step, output in theirs.items() if step not in ours],
    )


def _decision(output: Transition) -> Decision:
    at = output.event_time.isoformat()
    return Decision(at, output.cluster, output.rule, output.subject.id, output.from_, output.to, output.severity)
