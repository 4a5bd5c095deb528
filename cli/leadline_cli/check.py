"""``leadline check``."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from leadline import lines
from leadline.catalogue import CAUSES, RULES
from leadline.clock import SystemClock
from leadline.errors import ProblemFound, UnreachableError
from leadline.lines import FINE, PROBLEMS, REFUSED
from leadline.logs import escape
from leadline.settings.agent import AgentSettings, InstanceSettings
from leadline.settings.stream import StreamSettings
from leadline.steps import fix_lines
from leadline.words import amount
from leadline_cli.options import cluster_option, format_option, judged_option, settings
from leadline_cli.output import emit, table
from leadline_cli.servers import servers, servers_argument, servers_option

if TYPE_CHECKING:
    from leadline.model.alert import Transition
    from leadline.model.status import LinkStatus, NodeStatus
    from leadline_streams.one_look import OneLook

BETWEEN_S = 1.0
"""Seconds between the two looks: the second one shows what moves."""
LOOKS = 2
FOR_AGENTS = "agent_down"
"""The cause whose steps are about an agent, of which there is none here; the reason says what to do."""
GUESS = 0.5
"""A cause of no more confidence is a guess."""
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
@servers_argument
@servers_option
@cluster_option
@judged_option
@click.option(
    "--nagios", is_flag=True, help="Print one line with performance data, and use the exit codes of Nagios plugins."
)
@format_option
@click.pass_context
def command(
    context: click.Context,
    dsns: tuple[str, ...],
    file: Path | None,
    cluster: str,
    config: Path | None,
    nagios: bool,
    form: str,
) -> None:
    """Look once at your servers: nodes, links, lag, and the cause and fix of what is wrong.

    DSN is a connection string; its role needs pg_monitor and no other right. A server without a NAME is shown under its
    cluster_name or the application_name under which it replicates, or else its address; with --nagios under its
    address, so that names of performance data stay. Each server is read twice, one second
    apart, to see what moves; it is read for up to nine seconds where that shows the cause, such as at the next attempt
    of a subscription that receives nothing. The exit code is 1 when there is a problem, and 3 when it cannot be seen
    whether there is one: no server answers, what is needed is hidden from the role or refused to everybody, or there is
    more than is judged.

    \b
    Example:
      leadline check pg-1='host=10.0.0.1 user=leadline dbname=postgres' \\
                     pg-2='host=10.0.0.2 user=leadline dbname=postgres'
    """
    from leadline_streams.assembly import policy_of
    from leadline_streams.one_look import OneLook

    judged = settings(StreamSettings, config)
    look = OneLook(policy_of(judged))
    read = servers(dsns, file, cluster, ask=not nagios)
    asyncio.run(_look(look, read))
    once = lines.Once(look.nodes())
    if nagios:
        code = _nagios(look, once)
        if code:
            context.exit(code)
        return
    _print(look, form, once)
    if not any(node.health == "up" for node in look.nodes()):
        raise UnreachableError("no server can be read; see above")
    links = look.links()
    if bad := [link for link in links if link.verdict not in FINE and link.verdict != "unknown"]:
        plural = "links have" if len(bad) > 1 else "link has" if len(links) == 1 else "links has"
        raise ProblemFound(f"{len(bad)} of {len(links)} {plural} a problem")
    if any(node.health == "down" for node in look.nodes()):
        raise ProblemFound("a server does not answer; see above")
    if pages := _pages(look):
        unread = pages[0].rule == "node_down"
        raise ProblemFound("a server cannot be read; see above" if unread else once(pages[0].summary))
    if blind := _blind(look):
        raise UnreachableError(f"cannot see everything: {blind[0]}")
    if beyond := look.not_judged():
        raise UnreachableError(f"cannot judge everything: {beyond[0]}")
    if unknown := [link for link in links if link.verdict == "unknown"]:
        raise UnreachableError(f"cannot see everything: the state of {_name(unknown[0])} is not known")
    if hidden := [node for node in look.nodes() if node.health != "up"]:
        raise UnreachableError(f"cannot see everything: {hidden[0].node}: {hidden[0].note}")


async def _look(look: "OneLook", instances: list[InstanceSettings]) -> None:
    from leadline_agents.sampler import Sampler

    logging.getLogger("leadline_agents").setLevel(logging.CRITICAL)  # the table shows it
    clock = SystemClock()
    defaults = AgentSettings(instances=instances, interval_s=BETWEEN_S, wire="whole")
    samplers = [Sampler(i, defaults, clock, patience_s=defaults.connect_timeout_s) for i in instances]
    try:
        for turn in count():
            if turn >= LOOKS and not look.needs_another():
                break
            if turn:
                await clock.sleep(BETWEEN_S)
            seen = [each for pair in await asyncio.gather(*(one.look() for one in samplers)) for each in pair]
            look.take([each for each in seen if each is not None])
            look.tick(clock.now())
        look.conclude(clock.now())
    finally:
        for sampler in samplers:
            await sampler.close()


def _print(look: "OneLook", form: str, once: lines.Once) -> None:
    if form == "json":
        refused = _refused(look)
        for node in look.nodes():
            fields = lines.node_fields(node)
            emit({"kind": "node", **fields, "blind": fields["blind"] or refused.get(node.node)})
        for link in look.links():
            emit({"kind": "link", **lines.link_fields(link)})
        for cause in look.causes():
            emit({"kind": "cause", **msgspec.to_builtins(cause, builtin_types=(datetime,))})
        for line in look.unseen():
            emit({"kind": "not_seen", "text": line})
        for line in look.not_judged():
            emit({"kind": "not_judged", "text": line})
        return
    refused = _refused(look)
    nodes = [
        (each.node, each.role, lines.short_version(each), each.position or "-", once(_health(each, refused)))
        for each in look.nodes()
    ]
    table(("node", "role", "version", "position", "state"), nodes)
    click.echo()
    links = [
        (
            _name(each),
            each.link_kind,
            each.verdict,
            lines.lag_of(each),
            amount(each.behind, each.unit),
            PROBLEMS.get(each.verdict, "ok"),
        )
        for each in look.links()
    ]
    if links:
        table(("link", "kind", "verdict", "lag", "behind", "state"), links)
    else:
        click.echo(once(_no_links(look)))
    _explain(look, once)


def _explain(look: "OneLook", once: lines.Once) -> None:
    """The causes with their fixes, the breaches that no cause explains, what was not seen, and what was not judged."""
    causes = look.causes()
    explained = frozenset().union(*(CAUSES[cause.code].explains for cause in causes if cause.confidence > GUESS))
    rows = []
    for cause in causes:
        if cause.code == FOR_AGENTS and len(cause.evidence_for) == 1:
            continue  # only that the server cannot be read, which its row shows
        rows.append(("cause" if cause.confidence > GUESS else "guess", cause.summary))
        if cause.code != FOR_AGENTS:
            rows += [("fix" if not number else "", line) for number, line in enumerate(fix_lines(cause))]
    rows += [("found", alert.summary) for alert in look.alerts() if alert.rule not in explained]
    rows += [("not seen", line) for line in look.unseen()] + [("beyond", line) for line in look.not_judged()]
    for number, (name, line) in enumerate(rows):
        text = escape(once(line))
        click.echo(("\n" if not number or name in ("cause", "guess") else "") + f"{name:<9} {text}".rstrip())


def _no_links(look: "OneLook") -> str:
    """Whether there is no replication, or it cannot be known."""
    reasons = [_unread(node) for node in look.nodes() if node.health != "up"] + _blind(look)
    if reasons:
        return f"cannot tell whether these servers replicate: {'; '.join(reasons)}"
    return "no replication on this server" if len(look.nodes()) == 1 else "no replication between these servers"


def _unread(node: "NodeStatus") -> str:
    return f"{node.node} {'refuses us' if node.health == 'refused' else 'did not answer'}"


def _blind(look: "OneLook") -> list[str]:
    """The servers of which a part is hidden: from the role, or from everybody."""
    hidden = [f"blind on {node.node}: {node.blind}" for node in look.nodes() if node.blind is not None]
    return hidden + list(_refused(look).values())


def _refused(look: "OneLook") -> dict[str, str]:
    """By server, the parts that it refuses to everybody, or that a lock hides, and that rules need."""
    return {str(alert.subject.node): alert.summary for alert in look.alerts() if alert.rule == REFUSED}


def _pages(look: "OneLook") -> list["Transition"]:
    """The breaches for which somebody would be paged."""
    return [alert for alert in look.alerts() if RULES[alert.rule].class_ == "page"]


def _health(node: "NodeStatus", refused: Mapping[str, str]) -> str:
    if node.health == "up":
        blind = node.blind or refused.get(node.node)
        return (node.note or "ok") if blind is None else f"BLIND: {blind}"
    return f"{_state(node)}: {node.note or ''}"


def _state(node: "NodeStatus") -> str:
    return node.health.replace("_", " ").upper()


def _nagios(look: "OneLook", once: lines.Once) -> int:
    links, nodes, pages = look.links(), look.nodes(), _pages(look)
    codes = {WORST[link.verdict] for link in links} | {2 if page.severity == "critical" else 1 for page in pages}
    codes |= (
        {2 if node.health == "down" else 3 for node in nodes if node.health != "up"}
        | {3 for _ in (*_blind(look), *look.not_judged())}
        | ({3} if not links else set())
    )
    code = next(code for code in (2, 1, 3, 0) if code in codes | {0})
    states = [f"{_name(link)} {link.verdict} {lines.lag_of(link)}" for link in links] or [_no_links(look)]
    states += [f"{node.node} {_state(node)}: {node.note}" for node in nodes if node.health != "up"]
    states += (_blind(look) if links else []) + look.not_judged()
    states += [cause.summary for cause in look.causes()[:1]]
    line = escape("; ".join(map(once, states))).replace("|", "/")
    click.echo(f"REPLICATION {NAGIOS[code]} - {line}{_performance(look)}")
    return code


def _performance(look: "OneLook") -> str:
    """Lag and amount of each link with the limits of ``replication_lag``; ``U`` where the lag is not known exactly."""
    warning, critical = ("" if limit is None else f"{limit:g}" for limit in look.limits("replication_lag"))
    parts = []
    for link in look.links():
        lag = "U" if link.lag_s is None or link.lag_is_bound else f"{link.lag_s:.3f}s"
        parts.append(f"'{_name(link)}'={lag};{warning};{critical};0")
    return f" | {' '.join(parts)}" if parts else ""


def _name(link: "LinkStatus") -> str:
    return f"{link.upstream} -> {link.downstream}" + (f" ({link.name})" if link.name else "")
