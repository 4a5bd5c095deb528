"""Which rules are armed or blind in each cluster, read from the topics of the stream."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from leadline.settings.stream import StreamSettings
from leadline.topic_table import latest, of_key
from leadline.wire import ALERTS, AUDITS, STATUS, VERIFICATIONS

if TYPE_CHECKING:
    from leadline_console.armed import BlindSpot

CLIENT = "leadline-rules"
SHOWN_RULES = 6


async def spots(given: StreamSettings, cluster: str | None) -> "dict[str, list[BlindSpot]]":
    """By cluster, what is not seen of it, with the reason and with what changes that. Alerts, which name what a server
    hides, are read for one cluster only. Raises UnreachableError."""
    from leadline_console.armed import blind_spots, every_blind_spot
    from leadline_console.read_model import ReadModel

    model = ReadModel()
    for status in (await latest(given.kafka, STATUS, CLIENT)).values():
        model.take(status)
    for audit in (await latest(given.kafka, AUDITS, CLIENT)).values():
        model.take(audit)
    for comparison in (await latest(given.kafka, VERIFICATIONS, CLIENT)).values():
        model.take(comparison)
    if cluster is None:
        return every_blind_spot(model)
    for change in await of_key(given.kafka, ALERTS, CLIENT, cluster):
        model.take(change)
    is_seen = any(each.cluster == cluster for each in model.nodes.values())
    return {cluster: blind_spots(model, cluster)} if is_seen else {}


def states(given: StreamSettings, cluster: str, found: "list[BlindSpot]") -> Iterator[dict[str, Any]]:
    """The state of each rule in a cluster: armed, blind with the reasons, or off by the general settings."""
    from leadline_streams.reported import EVERY_RULE

    for name in EVERY_RULE:
        limits, tried = given.rules.get(name), name in given.shadow
        why = [f"{spot.node or cluster}: {spot.why}" for spot in found if name in spot.rules]
        if limits is not None and limits.enabled is False:
            state, why = "off", [f"rules.{name}.enabled is false"]
        else:
            state = "blind" if why else "armed"
        yield {"cluster": cluster, "rule": name, "state": state, "reasons": why, "shadow": tried}


def page(given: StreamSettings, cluster: str, found: "list[BlindSpot]") -> Iterator[str]:
    """The counts of a cluster, what is not seen, and by which rules."""
    each = list(states(given, cluster, found))
    counts = {state: sum(one["state"] == state for one in each) for state in ("armed", "blind", "off")}
    off = f", {counts['off']} off by the settings" if counts["off"] else ""
    yield f"{cluster}: {counts['armed']} rules armed, {counts['blind']} blind{off}"
    if given.shadow:
        yield f"  in shadow, which notifies nobody: {', '.join(given.shadow)}"
    for spot in found:
        names = ", ".join(spot.rules[:SHOWN_RULES])
        more = f" and {len(spot.rules) - SHOWN_RULES} more" if len(spot.rules) > SHOWN_RULES else ""
        yield f"  {spot.node or 'the cluster'}: {spot.why}"
        yield f"    blind by it: {names}{more}"
