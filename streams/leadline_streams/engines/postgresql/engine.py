"""PostgreSQL as an engine of the judgement."""

from leadline.model.alert import Evidence
from leadline.model.node import LinkKind, Node, Unit
from leadline.model.observation import Sample
from leadline.model.pg_vitals import PostgresqlVitals
from leadline_streams.engines.postgresql import (
    archive,
    connect_errors,
    counters,
    fast_path,
    fast_vitals,
    flavours,
    health,
    horizon,
    link_reading,
    rights,
    silence,
    slot_room,
    slots,
    subscribed_tables,
    subscriptions,
    table_copies,
    topology,
)
from leadline_streams.engines.postgresql.links import NAME, is_held_back, is_logical, row_of, slot_of, subscription_of
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.engines.postgresql.stages import waits_for_session
from leadline_streams.engines.postgresql.timing import RESTART_S
from leadline_streams.engines.postgresql.validation import check_positions
from leadline_streams.judge import packed_vitals
from leadline_streams.judge.engine import LinkParts, LinkTraits
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import Memory
from leadline_streams.judge.verdict import STALLED_S

STREAMING = LinkTraits(slack=silence.PAGE_SLACK_BYTES, behind_s=3.0)
LOGICAL = LinkTraits(slack=silence.PAGE_SLACK_BYTES, behind_s=15.0, confirms_commits=True)
"""A subscriber confirms an idle stream only every ``wal_receiver_status_interval``, 10 s by default."""

CAPABILITIES = (
    (140000, "subscription_stream"),
    (150000, "counts_apply_errors"),
    (160000, "parallel_apply"),
    (170000, "failover_slots"),
    (180000, "counts_row_conflicts"),
    (180000, "invalidates_idle_slots"),
    (180000, "skips_missing_publications"),
)
"""Capabilities with the first version that has them, as ``server_version_num``."""


class PostgreSQL:
    """PostgreSQL 13 and later. Without state: one object serves all clusters."""

    name = NAME
    unit: Unit = "bytes"
    take_fast = staticmethod(fast_path.take_fast)
    judge_fast = staticmethod(fast_path.judge_fast)
    vitals = PostgresqlVitals
    take_vitals = staticmethod(fast_vitals.take)
    judge_vitals = staticmethod(fast_vitals.judge)
    may_skip_node = staticmethod(fast_path.may_skip_node)
    may_skip_link = staticmethod(fast_path.may_skip_link)
    node_is_healthy = staticmethod(health.node_is_healthy)
    slot_is_healthy = staticmethod(health.slot_is_healthy)
    link_is_healthy = staticmethod(health.link_is_healthy)
    same_neighbours = staticmethod(topology.same_neighbours)
    discover = staticmethod(topology.discover)
    read_link = staticmethod(link_reading.read_link)
    reach = staticmethod(connect_errors.reach)
    validate = staticmethod(check_positions)
    kind_of = staticmethod(archive.kind_of)
    blindness = staticmethod(rights.blindness)
    worded = staticmethod(flavours.worded)
    format_position = staticmethod(format_lsn)

    def traits(self, kind: LinkKind) -> LinkTraits:
        """Behaviour of links of a kind."""
        return LOGICAL if kind == "logical" else STREAMING

    def capabilities(self, node: Node) -> frozenset[str]:
        """Names of what the node's version can report and do."""
        return frozenset(name for since, name in CAPABILITIES if node.version_num >= since)

    def lineage(self, sample: Sample) -> str | None:
        """The system identifier, which a standby shares with its primary and a subscriber with nobody."""
        return sample.node.system_id

    def takes_writes(self, sample: Sample) -> bool:
        """Whether it is out of recovery."""
        return sample.node.role == "primary"

    def take(self, node: NodeState, before: Sample | None, sample: Sample, now: float, upstream_seen: bool) -> None:
        """Update a node's clock, its counters, its archiver and the slots that retain much WAL."""
        link_reading.note_going_back(node, before, sample, now)
        link_reading.feed_clock(node, sample, now, link_reading.end_of_wal(sample, upstream_seen))
        if before is None or counters.rose(before, sample):
            counters.count(node, before, sample, now)
        if sample.refused is not None:
            node.refused = sample.refused
        elif node.refused and not sample.publications:
            node.refused = ()
        if sample.publishes is not None:
            node.publishes = subscribed_tables.taken(node.publishes, sample.publishes, now)
        if sample.slow_tables is not None:
            node.slow_tables_before, node.slow_tables = node.slow_tables, sample.slow_tables
        if sample.databases is not None:
            node.databases, node.databases_at = sample.databases, now
        if sample.sender_timeouts is not None:
            node.sender_timeouts = sample.sender_timeouts
        if sample.subscribes is not None:
            node.subscribes = subscribed_tables.taken(node.subscribes, sample.subscribes, now)
        if sample.copies or sample.subscriptions or node.copies:
            table_copies.follow(node, sample, now)
        if sample.subscriptions or node.idle_subscriptions:
            subscriptions.follow(node, sample, now, first=before is None)
            subscriptions.note_interruptions(node, before, sample, now)
        if node.snapshots or (node.takes_writes and horizon.is_held(sample)):
            horizon.follow(node, sample, now)
        if sample.archiver is not None:
            archive.follow(node, sample.archiver, now)
        if node.held or not all(map(health.slot_is_healthy, sample.slots)):
            earlier = before.slots if before is not None else sample.slots
            node.held = slots.follow(node.held, earlier, sample.slots, sample.activity, now)

    def shows_within_s(self, memory: Memory, node: NodeState, now: float) -> float:
        """A subscription without a stream shows it when it tries again, if its publisher is not known to be down; a
        server that is gone by not coming back; a sender that holds changes back, and replay that waits
        for a session, by going on with it."""
        if node.down and node.reach == "gone":
            return RESTART_S
        sample = node.sample if node.answers else None
        if sample is not None and any(map(is_held_back, sample.downstreams)):
            return STALLED_S
        if sample is not None and sample.positions is not None and waits_for_session(sample.positions):
            return STALLED_S
        down = {
            link.name
            for link in memory.above(node.name)
            if (up := memory.nodes.get(link.upstream)) is not None and up.down
        }
        tried = [each for each in (sample.subscriptions if sample is not None else ()) if each.name not in down]
        return max((subscriptions.shows_within_s(node, each, now) for each in tried), default=0.0)

    def apply_waits(self, link: LinkState, down: NodeState | None) -> list[Evidence]:
        """The wait event of the startup process or of the apply worker, and who holds the lock it waits for."""
        sample = down.sample if down is not None else None
        if sample is None:
            return []
        subscription = subscription_of(link, down)
        if subscription is not None:
            blockers = [fact("blocked_by", f"pid {pid}", link.downstream) for pid in subscription.blocked_by]
            return [fact("apply_wait", subscription.wait or "none: it is busy", link.downstream), *blockers]
        if not is_logical(link) and sample.positions is not None:
            return [fact("startup_wait", sample.positions.startup_wait or "none: it is busy", link.downstream)]
        return []

    def position_of(self, node: NodeState) -> str | None:
        """The end of a primary's WAL, or of what a standby has replayed."""
        if node.vitals is not None:
            return packed_vitals.unpack(node.vitals).position
        positions = node.sample.positions if node.sample is not None else None
        return (positions.current_lsn or positions.replayed_lsn) if positions is not None else None

    slots_of = staticmethod(slot_room.listed)

    def parts(self, link: LinkState, up: NodeState | None, down: NodeState | None) -> LinkParts:
        """The sender's row, the slot and the subscription of a link."""
        row = row_of(link, up) if up is not None and up.answers else None
        return LinkParts(row, slot_of(link, up), subscription_of(link, down))
