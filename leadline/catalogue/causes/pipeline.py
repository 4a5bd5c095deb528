"""Causes about Leadline itself, that of what an audit found, and the cause of an incident that nothing explains."""

import leadline.catalogue.habits as habits
from leadline.catalogue.entry import CauseEntry

KEEP = (
    "Keep the dead letters of this incident (`leadline.deadletters` holds them for 14 days), so that the defect can be "
    "repaired."
)

ENTRIES = (
    CauseEntry(
        code="judgement_defect",
        family="pipeline",
        help="judging a record of the cluster, or writing what it led to, failed in the worker",
        over="the records of the cluster are judged",
        explains=frozenset({"judgement_failing"}),
        improvements=(habits.VERSIONS,),
        tasks=(KEEP,),
    ),
    CauseEntry(
        code="limit_reached",
        family="pipeline",
        help="the cluster has more nodes, links, alerts or incidents than are judged",
        over="the cluster is within the limits",
        explains=frozenset({"judgement_failing"}),
        improvements=("Give independent groups of servers a cluster name each.",),
        tasks=("Find out which of its nodes are gone, and retire them with `leadline nodes retire`.",),
    ),
    CauseEntry(
        code="records_refused",
        family="pipeline",
        help="ten or more records under the key of the cluster cannot be used, each within a minute of another",
        over="the records of the cluster can be used",
        explains=frozenset({"judgement_failing"}),
        improvements=("Update the agents of a cluster and the workers together.",),
        tasks=("Find out who wrote the records: the headers of their dead letters name the source.",),
    ),
    CauseEntry(
        code="set_up_wrong",
        family="pipeline",
        help="an audit of the cluster found servers that are set up wrong",
        over="the audit does not find it any more",
        explains=frozenset({"audit_advice", "audit_finding"}),
        improvements=("Keep the configuration of all servers of a cluster in one place, and audit it in CI.",),
        tasks=("Run `leadline audit` over all servers, and repair what it finds in the order of severity.",),
    ),
    CauseEntry(
        code="sink_cannot_deliver",
        family="pipeline",
        help="a target of notifications has accepted none for a minute, or rejects them permanently",
        over="the target accepts deliveries again",
        explains=frozenset({"sink_failing"}),
        improvements=(
            "Give each route a second target at another vendor, so that one outage does not stop all notifications.",
        ),
        tasks=("Send each target a test notification with `leadline doctor --notify` after the repair.",),
    ),
    CauseEntry(
        code="state_too_large",
        family="pipeline",
        help="Kafka refuses the saved state of the cluster because of its size",
        over="the state of the cluster is saved",
        explains=frozenset({"judgement_failing"}),
        improvements=("Give independent groups of servers a cluster name each.",),
        tasks=("Look for a server with an unusual number of slots, subscriptions or tables in this cluster.",),
    ),
    CauseEntry(
        code="state_unreadable",
        family="pipeline",
        help="the saved state of the cluster cannot be read, or no judgement from it succeeds",
        over="the cluster is judged from a new state",
        explains=frozenset({"judgement_failing"}),
        improvements=("Do not let workers of different versions take turns: update all of them at once.",),
        tasks=("Close the incidents of the cluster that were open before, at each target.", KEEP),
    ),
    CauseEntry(
        code="unknown",
        family="pipeline",
        help="no known signature fits the samples",
        over="the alerts ended",
        explains=frozenset(),
        improvements=(
            habits.AUDIT,
            habits.VERSIONS,
        ),
        tasks=(
            "Find the cause from the evidence of the alerts and the server logs, and write it down here.",
            "Keep the samples of this incident (`leadline record`), so that its signature can be added to Leadline.",
        ),
    ),
)
