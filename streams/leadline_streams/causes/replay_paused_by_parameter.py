"""``replay_paused_by_parameter``: the server paused replay because a setting is lower than on the primary."""

from collections.abc import Iterator

from leadline_streams.causes.replay_paused_by_operator import lower_than_primary
from leadline_streams.judge.diagnosis.ranking import LATE, Case, CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link
from leadline_streams.rules.config_mismatch import HOT_STANDBY


def find(case: Case) -> Iterator[Claim]:
    """A paused standby with a hot-standby setting that is lower than the primary's."""
    for it in case.physical:
        positions = it.sample.positions if it.sample is not None else None
        if positions is None or not positions.replay_paused:
            continue
        lower = [setting for setting in HOT_STANDBY if lower_than_primary(case, it, setting)]
        if not lower:
            continue
        root, name, first = case.root(it), it.link.downstream, lower[0]
        assert root is not None
        ours, theirs = case.setting(it.down, first), case.setting(root, first)
        change, changed = case.blame(root, *lower)
        yield Claim(
            subject=of_link(it.link),
            confidence=0.98,
            title=f"{first} on {name} is lower than on {root.name}",
            summary=f"replay on {name} is paused by the server: {first} is {ours} there and {theirs} on {root.name}"
            f"{change}; resuming replay would shut {name} down",
            fix=f"On {name}: {_alter(case, lower, root.name)} then restart it. Do not resume replay before.",
            evidence_for=[
                fact("replay_paused", "true", name),
                *(
                    fact(setting, case.setting(node, setting), node.name)
                    for setting in lower
                    for node in (it.down, root)
                    if node is not None
                ),
                *changed,
            ],
        )


def _alter(case: Case, lower: list[str], primary: str) -> str:
    node = case.cluster.memory.nodes[primary]
    return " ".join(f"ALTER SYSTEM SET {setting} = {case.setting(node, setting)};" for setting in lower)


CAUSE = CauseRule(
    code="replay_paused_by_parameter",
    help="replay_paused is set and a hot-standby setting is lower on the standby than on the primary",
    explains=LATE | {"replay_paused", "config_mismatch", "sync_commit_blocked"},
    find=find,
)
