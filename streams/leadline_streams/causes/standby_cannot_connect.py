"""``standby_cannot_connect``: a standby does not reach its upstream, or the two no longer hear each other."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.observation import Downstream
from leadline.words import duration
from leadline_streams.causes.slot_in_use_elsewhere import is_taken
from leadline_streams.causes.slot_missing import missing_slot
from leadline_streams.causes.wal_removed import removed_below
from leadline_streams.engines.postgresql.link_reading import SILENT_REPLY_S
from leadline_streams.engines.postgresql.links import cut_off, is_physical_sender
from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.engines.postgresql.wal import has_forked
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

CONNINFO = "primary_conninfo"
STATUS_S = 12.0
"""A receiver replies every ``wal_receiver_status_interval``, 10 s by default, also when it gets nothing."""
SLACK_S = 2.0
SETTLED_S = 3.0
"""A receiver that is told another address uses it at once; one that is told the right one again needs a moment, too.
Then the link is just found, and the last change that is known may still be that to the wrong one."""
RETRIES = "Timeout/RecoveryRetrieveRetryInterval"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A link that carries nothing between two servers that both answer, for no reason that shows in what they say."""
    for it in cut_off(context):
        assert it.sample is not None
        receiver = it.sample.upstream
        if receiver is None or not receiver.configured or _is_refused(context, it):
            continue
        if receiver.status is None or it.row is None:
            yield _unconnected(context, it)
        elif max(receiver.message_age_s or 0.0, it.row.reply_age_s or 0.0) >= SILENT_REPLY_S and not _is_new(it.row):
            yield _unheard(it)


def _is_new(row: Downstream) -> bool:
    """A connection younger than the silence: what is silent is from before it."""
    return row.connected_s is not None and row.connected_s < SILENT_REPLY_S


def _is_refused(context: DiagnosisContext, it: AffectedLink) -> bool:
    """Whether the upstream hears the standby and cannot serve it: other causes name why."""
    lost = it.slot is not None and slot_is_lost(it.slot)
    gone = removed_below(context, it) is not None
    return lost or gone or has_forked(it) or missing_slot(it) is not None or is_taken(it)


def _unheard(it: AffectedLink) -> Claim:
    """Connected by name only: which direction is dead shows in who still hears whom."""
    link = it.link
    assert it.sample is not None
    assert it.sample.upstream is not None
    assert it.row is not None
    message_age, reply_age = it.sample.upstream.message_age_s or 0.0, it.row.reply_age_s or 0.0
    forth = message_age < SILENT_REPLY_S
    back = reply_age < SILENT_REPLY_S or (reply_age < STATUS_S and reply_age + SLACK_S < message_age)
    where, confidence = "in both directions", 0.75
    if forth:
        where, confidence = f"from {link.downstream} to {link.upstream}", 0.9
    elif back:
        where, confidence = f"from {link.upstream} to {link.downstream}", 0.9
    return Claim(
        subject=of_link(link),
        confidence=confidence,
        title=f"{link.downstream} and {link.upstream} no longer hear each other",
        summary=f"the connection from {link.downstream} to {link.upstream} stands and nothing passes {where}: "
        f"the receiver's last message is {duration(message_age)} old, the sender's last reply {duration(reply_age)}",
        fix=f"Look at the network between {link.upstream} and {link.downstream}: a firewall that drops without a word, "
        "a dead route, a lost session in a load balancer.",
        evidence_for=[
            fact("reason", "network"),
            fact("message_age_s", message_age, link.downstream),
            fact("reply_age_s", reply_age, link.upstream),
        ],
    )


def _unconnected(context: DiagnosisContext, it: AffectedLink) -> Claim:
    link = it.link
    assert it.sample is not None
    assert it.sample.upstream is not None
    told = f"{it.sample.upstream.host}:{it.sample.upstream.port}"
    change = context.changed(it.down, CONNINFO)
    others = [row.name for row in it.up.sample.downstreams if is_physical_sender(row)] if it.up and it.up.sample else []
    evidence = [
        fact("receiver", "none", link.downstream, f"tries {told}"),
        fact("startup_wait", it.wait or "busy", link.downstream),
        fact("sender", "none", link.upstream, "the server itself answers"),
    ]
    if others:
        evidence.append(fact("other_standbys", ", ".join(others), link.upstream, "connected"))
    if (
        change is not None
        and link.cut_since is not None
        and context.now - max(change.at.timestamp(), link.cut_since) >= SETTLED_S
    ):
        was, changed = context.change_in_words(it.down, change)
        return Claim(
            subject=of_link(link),
            confidence=0.95,
            title=f"{CONNINFO} of {link.downstream} leads nowhere",
            summary=f"{link.downstream} cannot connect to {told}{was}",
            fix=f"On {link.downstream}: ALTER SYSTEM SET {CONNINFO} = '...'; SELECT pg_reload_conf(); "
            f"with the address and role by which {link.upstream} was reached before.",
            evidence_for=[fact("reason", CONNINFO), *changed, *evidence],
        )
    return Claim(
        subject=of_link(link),
        confidence=0.85,
        title=f"{link.downstream} cannot connect to {link.upstream}",
        summary=f"{link.downstream} has no connection to {told}, and {link.upstream} answers its agent: "
        "the network between them, pg_hba.conf or the password refuse it",
        fix=f"The log of {link.downstream} says why each attempt fails, that of {link.upstream} whom it refused. "
        f"Try it by hand, on {link.downstream}'s host: psql 'host={it.sample.upstream.host} "
        f"port={it.sample.upstream.port} replication=true' -c IDENTIFY_SYSTEM",
        evidence_for=[fact("reason", "network, pg_hba.conf or password"), *evidence],
        evidence_against=_against(context, it),
    )


def _against(context: DiagnosisContext, it: AffectedLink) -> list[Evidence]:
    """A receiver that is not even retrying is not turned away."""
    return [] if it.wait == RETRIES else [fact("startup_wait", it.wait or "busy", it.link.downstream, "not retrying")]


CAUSE = CauseRule(
    code="standby_cannot_connect",
    find=find,
)
