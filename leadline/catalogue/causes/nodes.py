"""Causes about servers, hosts and agents."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CUT, DOWN, GONE, CauseEntry
from leadline.catalogue.measure import Measure

ENTRIES = (
    CauseEntry(
        code="agent_down",
        family="nodes",
        help=(
            "an agent is silent, or does not reach its server, while the server's neighbours still receive from it; or "
            "the server refuses it"
        ),
        over="the agent reports again",
        explains=frozenset({"agent_silent", "node_down"}),
        follows=GONE,
        improvements=(habits.AGENT,),
        tasks=("Find out why the agent ended or could not reach Kafka, and whether it was started again by itself.",),
    ),
    CauseEntry(
        code="agent_started_twice",
        family="nodes",
        help="two runs of an agent alternate under one node name, and read one server",
        over="one agent reads the server",
        explains=frozenset({"node_name_shared"}),
        improvements=("Let one service manager start the agents of a host, and let it start each one once.",),
        tasks=("Find out on which hosts an agent with this node name runs, and stop all but one.",),
    ),
    CauseEntry(
        code="node_name_shared",
        family="nodes",
        help="two runs of an agent alternate under one node name, and read two servers",
        over="each server has a name of its own",
        explains=CUT | DOWN | {"config_mismatch", "log_went_back", "node_name_shared", "split_brain"},
        improvements=("Let the name of a node follow from its host, so that a copied settings file has another one.",),
        tasks=("Give each instance in the settings of the agents a name of its own.",),
    ),
    CauseEntry(
        code="connections_exhausted",
        family="nodes",
        help="the server refuses its agent with SQLSTATE 53300, and not for the limit of one role or database",
        over="the server has connections left again",
        explains=CUT | {"node_down"},
        improvements=(
            "Put a pooler with a limit between applications and the server, and a CONNECTION LIMIT on each role.",
        ),
        tasks=("Find out which application used the connections, and what made it open more.",),
    ),
    CauseEntry(
        code="datacenter_cut",
        family="nodes",
        help="all nodes of a datacenter are silent or unreachable while others answer, or many clusters see none there",
        over="the datacenter answers again",
        explains=CUT | DOWN | {"agent_silent", "datacenter_lost"},
        improvements=(
            "Have two ways between datacenters, and a rule for who may write when they are cut.",
            habits.REHEARSE,
        ),
        tasks=("Find out what cut the datacenter off, and whether anything was written on both sides.",),
    ),
    CauseEntry(
        code="host_down",
        family="nodes",
        help="an agent is silent and the server's neighbours lost their connections to it",
        over="the host answers again",
        explains=CUT | DOWN | {"agent_silent"},
        follows=frozenset({"datacenter_cut"}),
        improvements=(
            "Keep the nodes of one cluster on hosts that do not fail together.",
            habits.REHEARSE,
        ),
        tasks=("Find out why the host went down, and whether it came back by itself.",),
    ),
    CauseEntry(
        code="primary_down",
        family="nodes",
        help="the primary's agent cannot reach it, and no standby receives from it",
        over="the primary answers again",
        explains=CUT | DOWN,
        follows=GONE,
        improvements=(
            habits.REHEARSE,
            habits.FENCE,
        ),
        tasks=(
            "Find out from the end of its server log why the primary stopped.",
            "Make sure that it cannot start again beside a new primary.",
        ),
    ),
    CauseEntry(
        code="primary_replaced",
        family="nodes",
        help="a primary is down, and another server with the same data takes writes on a later timeline",
        over="the standbys follow the new primary",
        explains=CUT | DOWN,
        follows=GONE,
        improvements=(
            habits.REHEARSE,
            habits.FENCE,
        ),
        tasks=(
            "Find out from the end of its server log why the old primary stopped, and what it had not sent.",
            "Make the old primary a standby of the new one, and point what still follows it at the new one.",
        ),
    ),
    CauseEntry(
        code="inputs_refused",
        family="nodes",
        help="a server answers, and refuses groups that rules need to everybody, or a lock is in their way",
        over="the server answers what rules need",
        explains=frozenset({"rule_blind"}),
        improvements=("Watch the servers at the other ends of its links: they show from outside what it refuses.",),
        tasks=("Find out which session holds a lock on a system catalog, or what the service offers instead.",),
    ),
    CauseEntry(
        code="server_not_ready",
        family="nodes",
        help="the server admits nobody (SQLSTATE 57P03): it starts, stops, is not consistent, or hot_standby is off",
        over="the server accepts connections again",
        explains=CUT | DOWN,
        follows=GONE,
        improvements=("Set checkpoint_timeout and max_wal_size so that a recovery takes no longer than you can wait.",),
        tasks=("Find out from the server log why the server started or stopped, and how much WAL it replayed.",),
    ),
    CauseEntry(
        code="primary_restored_older",
        family="nodes",
        help="a primary's WAL ends before where it ended earlier, or before the position of a standby of its timeline",
        over="the WAL of the primary and its standbys agrees",
        explains=CUT | {"data_divergence", "log_went_back"},
        improvements=(
            "Restore a primary only together with its standbys, and by a procedure that stops them first.",
            Measure(
                "Keep fsync and full_page_writes on, and use storage that keeps what it has confirmed.",
                "PG-DUR-001",
                "PG-DUR-002",
            ),
        ),
        tasks=(
            habits.COMPARE,
            "Save what a standby held more than its primary, and only then let it follow that primary again.",
        ),
    ),
    CauseEntry(
        code="clock_skew",
        family="nodes",
        help="the times of one agent differ from those of the others, by the same offset in every sample",
        over="the clock agrees with the others again",
        explains=frozenset({"clock_skew"}),
        improvements=(
            Measure(
                "Run chrony or systemd-timesyncd on every host, and alert when it is not synchronized.", "PG-CLU-002"
            ),
        ),
        tasks=("Find out why the clock of that host was not synchronized, and since when.",),
    ),
    CauseEntry(
        code="rights_missing",
        family="nodes",
        help="a server answers, and its samples name groups that the agent's role may not read",
        over="the agent's role may read what rules need",
        explains=frozenset({"not_seen"}),
        improvements=("Create the role of the agents, with its rights, where servers are created.",),
        tasks=("Grant pg_monitor to the role of the agents on every server, and run leadline doctor.",),
    ),
    CauseEntry(
        code="server_not_seen",
        family="nodes",
        help="a server has not answered since looking began, and no other server shows its role",
        over="the server answers",
        explains=CUT | DOWN | {"agent_silent"},
        follows=GONE,
        improvements=("Watch servers all the time: who was seen before it went down has a role.",),
        tasks=("Find out from the end of its server log why it stopped.",),
    ),
    CauseEntry(
        code="server_not_watched",
        family="nodes",
        help="a server shows a standby, an upstream or a publisher that no agent reads",
        over="every server that it shows is watched, or is gone",
        explains=frozenset({"server_not_watched"}),
        improvements=("Start an agent for a server where the server is created.",),
        tasks=("List the servers that replicate, and compare the list with leadline nodes list.",),
    ),
    CauseEntry(
        code="standby_down",
        family="nodes",
        help="the standby's agent finds no server there",
        over="the standby answers again",
        explains=CUT | {"agent_silent", "node_down"},
        follows=GONE | {"replay_paused_by_parameter"},
        improvements=("Have one standby more than are needed, so that losing one is no incident.",),
        tasks=("Find out from the end of the standby's server log why it stopped.",),
    ),
    CauseEntry(
        code="two_writers",
        family="nodes",
        help="two servers with one system identifier are both out of recovery",
        over="one server takes writes; what the other one took is not in it",
        explains=frozenset({"data_divergence", "split_brain"}),
        follows=frozenset({"primary_replaced"}),
        improvements=(
            habits.FENCE,
            "Let applications reach the primary by one address that moves with it.",
        ),
        tasks=(
            "Find out which server took which writes while there were two.",
            habits.COMPARE,
        ),
    ),
)
