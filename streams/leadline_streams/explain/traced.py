"""Records judged up to a time under the eyes of a trace, to explain a subject at that time."""

from datetime import datetime
from math import inf

from leadline.recording import Recorded
from leadline.signature import SignatureCheck
from leadline_streams.assembly import judgement
from leadline_streams.explain.explaining import explanation
from leadline_streams.explain.explanation import Explanation
from leadline_streams.explain.held_back import Notified
from leadline_streams.explain.subjects import Chosen, choose
from leadline_streams.explain.trace import Trace
from leadline_streams.judge.auditor import Auditor
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.state import Memory
from leadline_streams.replay import Replay


class TracedReplay:
    """Judges records as the processor does: of one cluster, or of all where none is given; up to a time or the end."""

    def __init__(
        self,
        policy: Policy,
        verifier: SignatureCheck | None = None,
        auditor: Auditor | None = None,
        cluster: str | None = None,
        until: datetime | None = None,
    ) -> None:
        self._trace = Trace()
        self._judgement = judgement(policy, auditor=auditor)
        self._replay = Replay(policy, verifier, auditor, self._trace)
        self._key = cluster.encode() if cluster is not None else None
        self._until = until.timestamp() if until is not None else inf

    def take(self, record: Recorded) -> bool:
        """Judge a record; False when everything up to the time is judged."""
        if record.key is not None and self._key not in (None, record.key):
            return True
        for _ in self._replay.run([record]):
            pass
        soonest = inf
        for state in self._replay.states():
            self._trace.looked(state.memory)
            soonest = min(soonest, state.memory.arrivals.horizon)
        return not self._until <= soonest < inf

    def choose(self, subject: str) -> tuple[Chosen, Memory]:
        """The subject that a text names, with the memory of its cluster. Raises UsageError."""
        return choose(subject, [state.memory for state in self._replay.states()])

    def explain(self, chosen: Chosen, memory: Memory, notified: Notified | None = None) -> Explanation:
        """The explanation of a subject; see ``explaining.explanation``."""
        return explanation(chosen, memory, self._judgement, self._trace, notified)
