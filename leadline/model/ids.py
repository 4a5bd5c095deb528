"""Identities: they stay the same when numbers, severity and wording change."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Annotated, NewType
from urllib.parse import quote

from msgspec import Meta

LONGEST_NAME = 255

NodeName = NewType("NodeName", Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)])
"""One database server, unique within its cluster."""
ClusterName = NewType("ClusterName", Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)])
"""A set of nodes that replicate among each other; the Kafka key of every record about them."""
LinkId = NewType("LinkId", str)
"""One directed replication relation: ``cluster/upstream->downstream``, and ``/name`` if the engine names it."""
AlertId = NewType("AlertId", str)
IncidentId = NewType("IncidentId", str)

# Left readable in identities; everything else, separators and control characters among it, is percent-encoded.
_SAFE = " _.@+=~:"


@lru_cache(maxsize=16384)
def _part(name: str) -> str:
    return quote(name, safe=_SAFE, errors="surrogatepass")


def made_name(text: str) -> NodeName:
    """A name for a server that has none of its own, made of what is known of it. One that would be too long is cut, and
    ends in a hash of all of it."""
    if len(text) <= LONGEST_NAME:
        return NodeName(text or "unnamed")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return NodeName(f"{text[: LONGEST_NAME - len(digest) - 2]}… {digest}")


def one_of(names: Iterable[str]) -> NodeName:
    """A name for the server that is one of these."""
    return made_name(" or ".join(names))


def link_id(cluster: str, upstream: str, downstream: str, name: str = "") -> LinkId:
    """The identity of a link. Separators inside the parts are percent-encoded, so it is unique."""
    ends = f"{_part(cluster)}/{_part(upstream)}->{_part(downstream)}"
    return LinkId(f"{ends}/{_part(name)}" if name else ends)


def thing_id(cluster: str, node: str, kind: str, name: str) -> str:
    """The identity of a slot, subscription or other thing on one node: ``cluster/node/kind/name``."""
    return f"{_part(cluster)}/{_part(node)}/{kind}/{_part(name)}"


def setting_id(cluster: str, name: str) -> str:
    """The identity of the configuration of a cluster's servers, as a rule of the audit reads it."""
    return f"{_part(cluster)}/setting/{_part(name)}"


def node_id(cluster: str, node: str) -> str:
    """The identity of a node across clusters: ``cluster/node``."""
    return f"{_part(cluster)}/{_part(node)}"


def alert_id(rule: str, cluster: str, subject: str) -> AlertId:
    """The identity of an alert: a hash of rule, cluster and subject, so independent of severity and text."""
    digest = hashlib.sha256("\0".join((rule, cluster, subject)).encode("utf-8", "surrogatepass")).hexdigest()
    return AlertId(f"a_{digest[:20]}")


def incident_id(cluster: str, opened_at: datetime, opened_by: str = "") -> IncidentId:
    """The identity of an incident: its cluster, the second of its opening, and a hash for two in one second.

    ``opened_by``: its first alert, which distinguishes two that opened in the same instant.
    """
    stamp = opened_at.strftime("%Y%m%dT%H%M%SZ")
    names = (cluster, opened_at.isoformat(), *([opened_by] if opened_by else []))
    suffix = hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:4]
    return IncidentId(f"inc_{quote(cluster, safe='_.', errors='surrogatepass')}_{stamp}_{suffix}")
