"""The rows of samples that belong to a link: its sender, its slot, its subscription; and links by kind."""

from collections.abc import Iterator

from leadline.model.incident import Cause
from leadline.model.replication import Downstream, Slot, Subscription
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState

NAME = "postgresql"
"""The engine's name."""
STARTED_S = 15.0
"""A standby connects within this time of its start, and some retries."""
DEFAULT_NAMES = frozenset({"", "walreceiver"})
"""Application names that many standbys share when nobody set one."""
NOT_DOWNSTREAMS = frozenset({"backup"})
STARTING = "startup"
SENDER = ("pid", "name", "slot")
"""The fields of ``SenderKey``."""
"""State of a sender without a start command: a subscription's looks like a standby's until it has its slot."""


def is_streaming(link: LinkState) -> bool:
    """Whether a standby follows its upstream by WAL streaming."""
    return link.kind == "physical"


def is_logical(link: LinkState) -> bool:
    """Whether a subscription follows its publisher."""
    return link.kind == "logical"


def is_physical_sender(row: Downstream) -> bool:
    """Whether a sender serves a standby."""
    return row.kind == "physical"


def streaming(context: DiagnosisContext) -> list[AffectedLink]:
    """The affected links of standbys that stream."""
    return [affected for affected in context.links if is_streaming(affected.link)]


def of_standbys(context: DiagnosisContext) -> list[AffectedLink]:
    """The affected links of standbys, those that stream and those that are fed by the WAL archive alone."""
    return [affected for affected in context.links if affected.link.kind in ("physical", "archive")]


def cut_off(context: DiagnosisContext) -> list[AffectedLink]:
    """Links of standbys that carry nothing although both ends answer and belong to the same system."""
    return [affected for affected in streaming(context) if not affected.link.connected and _could_stream(affected)]


def _could_stream(affected: AffectedLink) -> bool:
    up, down = affected.up, affected.down
    if up is None or down is None or not up.answers or not down.answers:
        return False
    return up.node.system_id == down.node.system_id


def slot_of(link: LinkState, up: NodeState | None) -> Slot | None:
    """The upstream's slot for a link, when there is one."""
    if up is None or up.sample is None or link.slot is None:
        return None
    return first(up.sample.slots, "name", link.slot)


def subscription_of(link: LinkState, down: NodeState | None) -> Subscription | None:
    """The downstream's subscription for a logical link."""
    if down is None or down.sample is None or not is_logical(link):
        return None
    return first(down.sample.subscriptions, "name", link.name)


def row_of(link: LinkState, up: NodeState | None) -> Downstream | None:
    """The sender's row for a link; None when the upstream shows none, or several may be it."""
    if up is None or up.sample is None or link.sender is None:
        return None
    return first(up.sample.downstreams, SENDER, link.sender)


def senders(node: NodeState) -> Iterator[Downstream]:
    """Senders of lasting links: not those of a table's initial copy (``pg_<n>_sync_<n>_<n>``)."""
    if node.sample is not None:
        for row in node.sample.downstreams:
            if "_sync_" not in row.name or row.kind != "logical":
                yield row


def is_held_back(row: Downstream) -> bool:
    """Whether the sender waits for standbys of ``synchronized_standby_slots`` before it sends on."""
    return (row.wait or "").endswith("/WaitForStandbyConfirmation")


def still_cut_off(context: DiagnosisContext, cause: Cause) -> bool:
    """Whether a server that was down has run for a while, and one of its streaming links is not connected yet."""
    node = context.cluster.nodes.get(cause.subject.node or "")
    if node is None or not node.answers or node.sample is None or node.node.started_at is None:
        return False
    if (node.sample.at - node.node.started_at).total_seconds() < STARTED_S:
        return False
    return any(is_streaming(link) and not link.connected for link in context.cluster.around(node.name))
