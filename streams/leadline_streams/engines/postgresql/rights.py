"""Parts of a server that a sample does not show because the agent's role may not read them."""

from leadline.model.observation import Sample

NEEDED = frozenset({"downstreams", "upstream", "activity", "settings"})
"""Groups without which links, sessions or settings are not seen. The size of the WAL directory is not among them:
managed servers refuse it to every role."""
LINKS = frozenset({"downstreams", "upstream"})


def hidden(sample: Sample) -> tuple[str, ...]:
    """The needed groups that the role may not read, whole or in part."""
    if not sample.not_permitted:
        return ()
    groups = dict.fromkeys(part.partition(".")[0] for part in sample.not_permitted)
    return tuple(group for group in groups if group in NEEDED)


def hides(sample: Sample, group: str) -> bool:
    """Whether the rows of a group are not seen, so that none is no sign."""
    return group in sample.not_permitted or group in sample.not_supported or group in sample.not_read


def grant(sample: Sample) -> str:
    """The statement that lets the agent's role see everything."""
    return f"GRANT pg_monitor TO {sample.login or 'it'}"


def blindness(sample: Sample) -> str | None:
    """The missing right and the statement that grants it; None when nothing that matters is hidden."""
    if not hidden(sample):
        return None
    return f"role {sample.login or 'of the agent'} lacks pg_monitor; run {grant(sample)}"
