"""``replay_paused_by_operator``: somebody called ``pg_wal_replay_pause()`` and replay waits for them."""

from collections.abc import Iterator

from leadline_streams.judge.cause import Case, CauseRule, Claim, LinkCase
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

# Lower on the standby than on the primary, these make the server pause replay by itself: another cause.
HOT_STANDBY_SETTINGS = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)


def find(case: Case) -> Iterator[Claim]:
    """A paused standby whose settings do not explain the pause."""
    for it in case.links:
        sample = it.down.sample if it.down is not None and it.down.answers else None
        if sample is None or sample.positions is None or not sample.positions.replay_paused or it.down is None:
            continue
        if any(lower_than_primary(case, it, name) for name in HOT_STANDBY_SETTINGS):
            continue
        name = it.link.downstream
        yield Claim(
            subject=of_link(it.link),
            confidence=0.97,
            title=f"replay on {name} was paused by somebody",
            summary=f"replay on {name} is paused by pg_wal_replay_pause(); nothing is applied until it is resumed",
            fix=f"On {name}: SELECT pg_wal_replay_resume();",
            evidence_for=[
                fact("replay_paused", "true", name),
                fact("startup_wait", it.wait or "not reported", name),
                fact(
                    "replayed_lsn",
                    sample.positions.replayed_lsn,
                    name,
                    f"still for {case.now - it.link.moved_at:.0f} s",
                ),
            ],
        )


def lower_than_primary(case: Case, it: LinkCase, name: str) -> bool:
    """Whether a hot-standby setting is lower on the downstream than on the upstream."""
    ours, theirs = case.setting(it.down, name), case.setting(it.up, name)
    return ours is not None and theirs is not None and int(ours) < int(theirs)


CAUSE = CauseRule(
    code="replay_paused_by_operator",
    help="replay_paused is set and no hot-standby setting is lower than on the primary",
    explains=frozenset(
        {"replay_paused", "replication_lag", "replication_lag_bytes", "replication_stalled", "lag_forecast"}
    ),
    find=find,
)
