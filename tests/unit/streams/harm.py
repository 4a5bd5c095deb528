"""Steps that could destroy something, in every claim that a cause makes in a test.

Such a step comes after a statement that looks, and with evidence in the same claim that nothing needs what it
discards. The claim is made again of the same cluster, in which one server after the other is not seen: then the step
is gone, wherever that server could need the thing.
"""

import os
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache

from msgspec.structs import replace as with_fields

from leadline.model.incident import Step
from leadline_streams.judge.diagnosis.context import DiagnosisContext, open_context
from leadline_streams.judge.diagnosis.ranking import GUESS, CauseRule, Claim
from leadline_streams.judge.node_state import NodeState

HARMS = re.compile(
    r"\b(TRUNCATE|DROP(?! NOT NULL)|DELETE|pg_drop_\w+|pg_replication_(slot|origin)_advance|pg_resetwal|copy_data|"
    r"pg_rewind|pg_basebackup|([Rr]e(build|initiali[sz]e|create)|[Pp]romote|[Ff]ail over)\b.*)|SKIP \(|COMMIT PREPARED|"
    r"ROLLBACK PREPARED|\brm -|[Rr]emove .*(director|files)|[Ee]mpty (it|the)|"
    r"synchronous_standby_names = ''|synchronous_commit = (off|local)|fsync = off"
)
"""Statements and words that discard data, WAL, a slot or the safety of commits."""
NEGATED = re.compile(r"\b(never|nothing|whether|keep|kept|leave|REVOKE)\b", re.IGNORECASE)
"""Words may name such a thing to say that it is not to be done, has to be found out, or is to be forbidden."""
ENDS = re.compile(r"\bpg_(?:terminate|cancel)_backend\((\w+)\)")
OWN = frozenset({"slot_invalidated", "subscriber_duplicate_key", "bidirectional_loop", "publication_or_slot_dropped"})
"""Causes whose steps discard what only the servers of their evidence can need."""
HIDDEN = ("subscriptions", "upstream", "downstreams")
_SEEN: set[tuple[str, str]] = set()


def harmful(claim: Claim) -> list[Step]:
    """The steps of a claim that could destroy something, as far as they are proposed."""
    if claim.confidence < GUESS:
        return []
    return [step for step in claim.steps if step.risk == "destructive" or is_harmful(step)]


@cache
def is_harmful(step: Step) -> bool:
    """Whether a step proposes to destroy something, whatever risk it is given."""
    if step.risk == "look" and step.sql is not None:
        return False  # a query, which another check holds to
    if (step.sql or "").startswith("GRANT "):
        return False  # it names what may be done, and does nothing of it
    negated = step.risk in ("look", "careful") and NEGATED.search(step.text or "")
    return HARMS.search(step.sql or step.text or "") is not None and not negated


def check(cause: CauseRule, context: DiagnosisContext, claim: Claim) -> None:
    """Hold a claim to its promises; once for each cause in each test also in clusters that are seen in part."""
    looks: list[Step] = []
    for step in claim.steps:
        ends = ENDS.search(step.sql or "")
        if is_harmful(step) or step.risk == "destructive":
            assert step.risk != "look", f"a look that destroys something: {step}"
            assert claim.not_needed or step.risk == "destructive", f"{cause.code} shows nothing for: {step}"
        if ends is not None:
            assert any(look.node == step.node and _is_about(look, ends[1]) for look in looks), f"not looked at: {step}"
            known = " ".join([claim.summary, *(f"{each.value} {each.note}" for each in claim.evidence_for)])
            assert not ends[1].isdecimal() or ends[1] in known, f"no evidence of the process that is ended: {step}"
        if step.risk == "look" and step.sql is not None:
            looks.append(step)
    if claim.not_needed and harmful(claim):
        assert all(each.name == "not_needed" and each.note for each in claim.not_needed)
        key = (os.environ.get("PYTEST_CURRENT_TEST", ""), cause.code)
        if key not in _SEEN:
            _SEEN.add(key)
            for what, blinded in partly_seen(context, claim, every=cause.code not in OWN):
                again = [each for each in cause.find(blinded) if each.subject == claim.subject]
                for each in again:
                    assert not (each.not_needed and harmful(each)), f"{cause.code} although {what}: {harmful(each)}"


def partly_seen(context: DiagnosisContext, claim: Claim, *, every: bool) -> Iterator[tuple[str, DiagnosisContext]]:
    """The same cluster, in which a server is silent, hangs, hides its part or was never watched.

    ``every``: each server; otherwise those whose part is the evidence.
    """
    named = {each.node for each in claim.not_needed}
    for node in context.nodes:
        if every or node.name in named:
            for word, change in BLIND.items():
                if word != "hides its part" or (node.answers and node.name not in named):
                    yield f"{node.name} {word}", _changed(context, node.name, change)


def _silent(node: NodeState) -> None:
    node.stale = True


def _hangs(node: NodeState) -> None:
    node.up, node.reach, node.error = False, "hangs", "timeout: no answer"


def _hides(node: NodeState) -> None:
    if node.sample is not None:
        node.sample = with_fields(node.sample, not_permitted=HIDDEN, subscriptions=(), upstream=None, downstreams=())


BLIND: dict[str, Callable[[NodeState], None]] = {
    "is silent": _silent,
    "does not answer": _hangs,
    "hides its part": _hides,
}


def _changed(context: DiagnosisContext, name: str, change: Callable[[NodeState], None]) -> DiagnosisContext:
    cluster = deepcopy(context.cluster)
    change(cluster.nodes[next(each for each in cluster.nodes if each == name)])
    alerts = deepcopy(context.alerts)
    again = open_context(cluster, context.engines, context.now, alerts=alerts, incidents=(), changes=context.changes)
    return replace(again, opened_at=context.opened_at, named=context.named)


def _is_about(look: Step, process: str) -> bool:
    return process in (look.sql or "") and "pid" in (look.sql or "")
