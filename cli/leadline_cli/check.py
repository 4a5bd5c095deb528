"""``leadline check``."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadline.clock import SystemClock
from leadline.errors import ProblemFound, UnreachableError
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.secret import Secret
from leadline.settings.stream import StreamSettings
from leadline.words import amount, duration
from leadline_cli.options import format_option, settings
from leadline_cli.output import emit, table
from leadline_cli.watch import node_names

if TYPE_CHECKING:
    from leadline.model.status import LinkStatus, NodeStatus
    from leadline_streams.one_look import OneLook

BETWEEN_S = 1.0
"""Seconds between the two looks: the second one shows what moves."""
FINE = frozenset({"idle", "healthy", "catching_up", "delayed_by_design"})
NAGIOS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
WORST = {
    **dict.fromkeys(FINE, 0),
    "falling_behind": 1,
    "replay_paused": 1,
    "replay_stalled": 2,
    "cut_off": 2,
    "broken": 2,
    "upstream_unreachable": 2,
    "downstream_unreachable": 2,
    "unknown": 3,
}
"""Exit code of each verdict for Nagios."""


@click.command()
@click.argument("dsns", metavar="DSN...", nargs=-1, required=True)
@click.option(
    "--cluster", metavar="NAME", default="main", show_default=True, help="Name for the cluster of these servers."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file with judgement, rules and overrides.",
)
@click.option(
    "--nagios", is_flag=True, help="Print one line with performance data, and use the exit codes of Nagios plugins."
)
@format_option
@click.pass_context
def command(
    context: click.Context, dsns: tuple[str, ...], cluster: str, config: Path | None, nagios: bool, form: str
) -> None:
    """Look once at your servers: nodes, links, verdicts, lag.

    DSN is a connection string; its role needs pg_monitor and no other right. Each server is read twice, one second
    apart, to see what moves. The exit code is 1 when a link has a problem or a server does not answer, and 3 when no
    server answers.

    \b
    Example:
      leadline check 'host=pg-1 user=leadline dbname=postgres' \\
                     'host=pg-2 user=leadline dbname=postgres'
    """
    from leadline_streams.assembly import policy_of
    from leadline_streams.one_look import OneLook

    judged = settings(StreamSettings, config)
    look = OneLook(policy_of(judged))
    asyncio.run(_look(look, dsns, cluster))
    if nagios:
        code = _nagios(look)
        if code:
            context.exit(code)
        return
    _print(look, form)
    if not any(node.health == "up" for node in look.nodes()):
        raise UnreachableError("no server answers; see above")
    if bad := [link for link in look.links() if link.verdict not in FINE]:
        raise ProblemFound(f"{len(bad)} of {len(look.links())} links {'has' if len(bad) == 1 else 'have'} a problem")
    if not all(node.health == "up" for node in look.nodes()):
        raise ProblemFound("a server does not answer; see above")


async def _look(look: "OneLook", dsns: Sequence[str], cluster: str) -> None:
    from leadline_agents.sampler import Sampler

    logging.getLogger("leadline_agents").setLevel(logging.CRITICAL)  # the table shows it
    clock = SystemClock()
    instances = [
        InstanceSettings(dsn=Secret(dsn), name=name, cluster=cluster)
        for dsn, name in zip(dsns, node_names(dsns), strict=True)
    ]
    defaults = AgentSettings(instances=instances, interval_s=BETWEEN_S)
    samplers = [Sampler(i, defaults, clock, patience_s=defaults.connect_timeout_s) for i in instances]
    try:
        for turn in range(2):
            if turn:
                await clock.sleep(BETWEEN_S)
            for sample, settings_read in await asyncio.gather(*(sampler.look() for sampler in samplers)):
                look.take(sample)
                if settings_read is not None:
                    look.take(settings_read)
            look.tick(clock.now())
    finally:
        for sampler in samplers:
            await sampler.close()


def _print(look: "OneLook", form: str) -> None:
    from leadline import lines

    if form == "json":
        for node in look.nodes():
            emit({"kind": "node", **lines.node_fields(node)})
        for link in look.links():
            emit({"kind": "link", **lines.link_fields(link)})
        return
    nodes = [(each.node, each.role, each.version, each.position or "-", _health(each)) for each in look.nodes()]
    table(("node", "role", "version", "position", "state"), nodes)
    click.echo()
    links = [
        (
            _name(each),
            each.link_kind,
            each.verdict,
            lines.lag_of(each),
            amount(each.behind, each.unit),
            "ok" if each.verdict in FINE else "wrong",
        )
        for each in look.links()
    ]
    if links:
        table(("link", "kind", "verdict", "lag", "behind", "state"), links)
    else:
        click.echo("no replication between these servers")


def _health(node: "NodeStatus") -> str:
    return "ok" if node.health == "up" else f"{node.health.replace('_', ' ')}: {node.note or ''}"


def _nagios(look: "OneLook") -> int:
    links, nodes = look.links(), look.nodes()
    code = max((WORST[link.verdict] for link in links), default=3 if not links else 0)
    if any(node.health != "up" for node in nodes):
        code = 2
    states = ", ".join(f"{_name(link)} {link.verdict} {duration(link.lag_s)}" for link in links) or "no links found"
    down = "".join(f", {node.node} {node.health.replace('_', ' ')}" for node in nodes if node.health != "up")
    performance = " ".join(f"'{_name(link)}'={link.lag_s or 0:.3f}s" for link in links)
    click.echo(f"REPLICATION {NAGIOS[code]} - {states}{down} | {performance}")
    return code


def _name(link: "LinkStatus") -> str:
    return f"{link.upstream} -> {link.downstream}" + (f" ({link.name})" if link.name else "")
