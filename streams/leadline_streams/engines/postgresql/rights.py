"""Parts of a server that a sample does not show because the agent's role may not read them."""

from leadline.model.observation import Sample
from leadline.pg_rights import monitor_grant
from leadline_streams.judge.lookup import has

NEEDED = frozenset({"downstreams", "upstream", "activity", "settings"})
"""Groups without which links, sessions or settings are not seen. The size of the WAL directory is not among them:
managed servers refuse it to every role."""
JUDGED = NEEDED | {"slots", "subscriptions"}
"""Groups that rules measure, each as a whole."""
LINKS = frozenset({"downstreams", "upstream"})


def hidden(sample: Sample) -> tuple[str, ...]:
    """The needed groups that the role may not read, whole or in part."""
    if not sample.not_permitted:
        return ()
    groups = dict.fromkeys(part.partition(".")[0] for part in sample.not_permitted)
    return tuple(group for group in groups if group in NEEDED)


def refused(sample: Sample) -> tuple[str, ...]:
    """The groups that rules and causes need and that no right would show: refused to everybody, behind a lock, or in
    part left out of a look.

    The WAL receiver is that of a standby.
    """
    if not sample.not_supported and not sample.not_read and not sample.left_out:
        return ()
    standby = sample.node.role == "standby"
    groups = dict.fromkeys((*sample.not_supported, *sample.not_read, *sample.left_out))
    return tuple(group for group in groups if group in JUDGED and (standby or group != "upstream"))


def hides(sample: Sample, group: str) -> bool:
    """Whether the rows of a group are not seen, or not all of them, so that none is no sign."""
    hiding = (sample.not_permitted, sample.not_supported, sample.not_read)
    return group in sample.left_out or any(has(groups, group) for groups in hiding)


def why_hidden(sample: Sample, group: str) -> tuple[str, str]:
    """The field that names a group which no right would show, and the reason in words."""
    if group in sample.not_read:
        return "not_read", "a lock is in the way"
    if group in sample.left_out:
        return (
            "left_out",
            f"{sample.left_out[group]} are left out of each look, which would be too large: those that say least",
        )
    return "not_supported", "refused to everybody"


def grant(sample: Sample) -> str:
    """The statements that let the agent's role see everything."""
    return monitor_grant(sample.login or "it", inherits=sample.inherits, version_num=sample.node.version_num)


def blindness(sample: Sample) -> str | None:
    """The missing right and the statement that grants it; None when nothing that matters is hidden."""
    if not hidden(sample):
        return None
    lacks = "lacks" if sample.inherits else "does not inherit"
    return f"role {sample.login or 'of the agent'} {lacks} pg_monitor; run {grant(sample)}"
