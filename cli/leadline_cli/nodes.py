"""``leadline nodes``."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from uuid import uuid4

import click

from leadline import lines
from leadline.clock import SystemClock
from leadline.errors import UsageError
from leadline.kafka import publish
from leadline.logs import escape
from leadline.model.ids import ClusterName, NodeName, node_id
from leadline.model.retirement import Retirement
from leadline.model.status import NodeStatus, Status
from leadline.settings.common import KafkaSettings
from leadline.settings.sink import SinkSettings
from leadline.suggestion import instead
from leadline.topic_table import latest, newest
from leadline.wire import INCIDENTS, STATUS
from leadline_cli.options import by_option, config_option, format_option, settings, user
from leadline_cli.output import emit, table

CLIENT: Final = "leadline-nodes"


@click.group()
def command() -> None:
    """List the nodes that are judged, and forget those that are gone for good.

    \b
    Example:
      leadline nodes retire orders pg-3 -c sink.yaml
    """


@command.command("list")
@config_option
@click.option("--cluster", metavar="NAME", help="Only nodes of this cluster.")
@format_option
def list_(config: Path | None, cluster: str | None, form: str) -> None:
    """List the nodes as they were last judged. Of a cluster that has more than is judged, standard error names what is
    not.

    \b
    Example:
      leadline nodes list --cluster orders -c sink.yaml
    """
    kafka = settings(SinkSettings, config).kafka
    shown = [node for node in _nodes(asyncio.run(_statuses(kafka))) if cluster in (None, node.cluster)]
    if form == "json":
        for node in shown:
            emit(lines.node_fields(node))
    elif shown:
        rows = [
            (each.cluster, each.node, each.role, lines.short_version(each), each.health, each.note or "")
            for each in shown
        ]
        table(("cluster", "node", "role", "version", "state", "note"), rows)
    else:
        click.echo("no nodes")
    incidents = asyncio.run(latest(kafka, INCIDENTS, CLIENT)).values()
    for line in lines.not_judged(each for each in incidents if cluster in (None, each.cluster)):
        click.echo(escape(f"not judged: {line}"), err=True)


@command.command("retire")
@click.argument("cluster", metavar="CLUSTER")
@click.argument("node", metavar="NODE")
@config_option
@by_option
@format_option
def retire_(cluster: str, node: str, config: Path | None, by: str | None, form: str) -> None:
    """Forget a node that is gone for good: its alerts end, and so does an incident that has no others.

    A node that was stopped and whose slot was dropped is forgotten without this. A node that answers is not forgotten;
    one that answers later is a node again.

    \b
    Example:
      leadline nodes retire orders pg-3 -c sink.yaml
    """
    kafka = settings(SinkSettings, config).kafka
    there = asyncio.run(_statuses(kafka))
    retirement = Retirement(
        retirement_id=f"ret_{uuid4().hex}",
        cluster=ClusterName(cluster),
        node=NodeName(node),
        by=(by or user())[:255],
        sent_at=SystemClock().now(),
    )
    ident = node_id(cluster, node)
    already = ident in there and there[ident] is None
    if not already:
        _check(cluster, node, _nodes(there))
        asyncio.run(publish(kafka, CLIENT, retirement))
    if form == "json":
        emit({"cluster": cluster, "node": node, "by": retirement.by, "already": already})
    elif already:
        click.echo(escape(f"{node} in {cluster} is forgotten already"))
    else:
        click.echo(escape(f"{node} in {cluster} is retired by {retirement.by}: its alerts end now"))


def _check(cluster: str, name: str, there: list[NodeStatus]) -> None:
    """Raise UsageError for a node that cannot be retired."""
    clusters = sorted({node.cluster for node in there})
    if cluster not in clusters:
        raise UsageError(f"there is no cluster {cluster!r}; {instead(cluster, clusters, 'clusters')}")
    names = sorted(node.node for node in there if node.cluster == cluster)
    found = next((node for node in there if node.cluster == cluster and node.node == name), None)
    if found is None:
        raise UsageError(f"there is no node {name!r} in {cluster}; {instead(name, names, 'nodes')}")
    if found.health == "up":
        raise UsageError(
            f"{name} in {cluster} is up, and a node that answers is not forgotten; take it out of the settings of its "
            "agent, or stop the server, first"
        )


async def _statuses(kafka: KafkaSettings) -> dict[str, Status | None]:
    return await newest(kafka, STATUS, CLIENT)


def _nodes(statuses: Mapping[str, Status | None]) -> list[NodeStatus]:
    found = [each for each in statuses.values() if isinstance(each, NodeStatus)]
    return sorted(found, key=lambda each: (each.cluster, each.node))
