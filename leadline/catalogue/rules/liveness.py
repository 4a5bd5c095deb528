"""Rules of family liveness: servers, agents, datacenters, and the parts of Leadline."""

from leadline.catalogue.entry import RuleEntry

ENTRIES = (
    RuleEntry(
        code="agent_silent",
        family="liveness",
        on="node",
        unit="s",
        help="Nothing was received from the agent of a node for five intervals, and then for `for`.",
        impact="The state of the server was not known meanwhile; only its own server log shows what happened there.",
        over="the agent of {node} reports again",
    ),
    RuleEntry(
        code="clock_skew",
        family="liveness",
        on="node",
        unit="s",
        help=(
            "Seconds by which the clock of an agent's host differs from the other agents and from the time at which "
            "its samples arrive, from `judgement.clock_tolerance_s` on. Its times are corrected."
        ),
        impact="Times in the server log and of jobs on that host were wrong; replication was not affected.",
        over="the clock of the agent of {node} agrees with the others",
        class_="notice",
    ),
    RuleEntry(
        code="datacenter_lost",
        family="liveness",
        on="cluster",
        unit="clusters",
        help="Clusters that see no server in one datacenter, and began to at the same time.",
        impact="The servers in the datacenter were down, cut off, or not seen.",
        over="fewer clusters than `notify.datacenter_clusters` see no server there",
    ),
    RuleEntry(
        code="judgement_failing",
        family="liveness",
        on="cluster",
        unit="",
        help=(
            "A worker cannot judge a cluster in full: its records cannot be used, judging one of them failed, or its "
            "state cannot be read or saved. Over when nothing of that happened for a minute."
        ),
        impact="A part of what happened in the cluster was not judged, so nobody was warned of it.",
        over="the cluster is judged in full again",
    ),
    RuleEntry(
        code="node_down",
        family="liveness",
        on="node",
        unit="s",
        help="A server has not answered its agent for this long: it is down, unreachable or rejects the agent.",
        impact="The server could not be used.",
        over="{node} answers again",
    ),
    RuleEntry(
        code="node_name_shared",
        family="liveness",
        on="node",
        unit="",
        help="Two agents send samples under one node name, and each goes on.",
        impact="What was shown under the name was now of one server and now of another, and was judged as one.",
        over="one agent sends as {node}",
        class_="notice",
    ),
    RuleEntry(
        code="not_seen",
        family="liveness",
        on="node",
        unit="groups",
        help=(
            "Groups of a sample that the agent's role may not read and that links, waits and settings are judged by: "
            "the role lacks `pg_monitor`. The size of the WAL directory is not counted."
        ),
        impact="Faults of the server could be seen only from its neighbours, or not at all.",
        over="the agent of {node} sees everything that it should",
        class_="notice",
    ),
    RuleEntry(
        code="primary_lost",
        family="liveness",
        on="node",
        unit="s",
        help=(
            "A primary is not there, or does not answer, or its agent is silent, and every standby and subscriber that "
            "received from it lost it at that time. Not one that answered that it stops, or that was replaced."
        ),
        impact="Applications could not write.",
        over="{node} answers again, or was replaced",
    ),
    RuleEntry(
        code="rule_blind",
        family="liveness",
        on="node",
        unit="groups",
        help=(
            "Groups of a sample that rules need and that no right would show: the server refuses them to everybody, "
            "as some services do, a lock is in the way, or so many rows are there that some are left out of each look. "
            "What the agent's role may not read is `not_seen`."
        ),
        impact="Rules that need what was not seen were not measured for it.",
        over="{node} shows what rules need",
        class_="notice",
    ),
    RuleEntry(
        code="server_not_watched",
        family="liveness",
        on="node",
        unit="servers",
        help=(
            "Standbys, upstreams and publishers that a watched server shows and no agent reads. Programs that read "
            "changes or receive WAL for backups do not count."
        ),
        impact="The other end was judged from here alone: its waits, errors and settings were not seen.",
        over="every server that {node} shows is watched",
        class_="notice",
        standing=True,
    ),
    RuleEntry(
        code="sink_failing",
        family="liveness",
        on="cluster",
        unit="",
        help="A target of notifications has accepted none for a minute, or rejects them permanently.",
        impact="People who read only that target were not notified of anything meanwhile.",
        over="the target accepts deliveries again",
    ),
    RuleEntry(
        code="upstream_circle",
        family="liveness",
        on="link",
        unit="standbys",
        help="Standbys that follow each other, or one that follows itself, so that none of them follows a primary.",
        impact="Queries on these standbys returned old data; none of them could replace the primary without a loss.",
        over="{down} follows a primary again",
    ),
)
