"""Agents fall silent, see less, or run on a host whose clock is wrong."""

from leadline_lab.faults.fault import (
    AgentStarted,
    AgentStopped,
    ClockSet,
    Course,
    Expected,
    Healed,
    Injected,
    Prepared,
    fault,
)
from leadline_lab.faults.topologies import Cascade, Pair, make_cascade, make_pair
from leadline_lab.sandbox.fleet import AGENT

NO_SECOND = "the second agent is started while the first one looks"
NO_TRACE = "an agent that was not there when looking began is not missed"


@fault(make_pair, Expected(rule="agent_silent", cause="agent_down"), no_trace=NO_TRACE)
def agent_killed(pair: Pair) -> Course:
    """The agent of a standby has died; the standby is healthy."""
    yield Prepared()
    yield AgentStopped(pair.standby.name)
    yield Injected()
    yield AgentStarted(pair.standby.name)
    yield Healed()


@fault(make_pair, Expected(rule="agent_silent", cause="host_down"), no_trace=NO_TRACE)
def host_gone(pair: Pair) -> Course:
    """The host of a standby is down, with its server and its agent."""
    yield Prepared()
    yield AgentStopped(pair.standby.name)
    pair.standby.stop("immediate")
    yield Injected()
    pair.standby.start()
    yield AgentStarted(pair.standby.name)
    yield Healed()


@fault(
    make_cascade,
    Expected(rule="agent_silent", cause="datacenter_cut"),
    datacenters={"pg-2": "ams1", "pg-3": "ams1"},
    no_trace=NO_TRACE,
)
def datacenter_cut(cascade: Cascade) -> Course:
    """All agents of a datacenter are silent at once."""
    nodes = (cascade.standby.name, cascade.leaf.name)
    yield Prepared()
    for node in nodes:
        yield AgentStopped(node)
    yield Injected()
    for node in nodes:
        yield AgentStarted(node)
    yield Healed()


@fault(
    make_pair,
    Expected(rule="not_seen", cause="rights_missing", summary=("GRANT pg_monitor TO leadline",)),
    older=True,
)
def rights_revoked(pair: Pair) -> Course:
    """The role of the agents has lost pg_monitor, on the primary and with it on the standby."""
    yield Prepared()
    pair.primary.execute(f"REVOKE pg_monitor FROM {AGENT}")
    yield Injected()
    pair.primary.execute(f"GRANT pg_monitor TO {AGENT}")
    yield Healed()


@fault(
    make_pair,
    Expected(rule="clock_skew", cause="clock_skew", summary=("pg-2", "1 h 30 min behind")),
    no_trace="the agents that look afterwards run on a host with the right clock",
)
def clock_set_back(pair: Pair) -> Course:
    """The clock of the host of a standby's agent is set back by an hour and a half."""
    yield Prepared()
    yield ClockSet(pair.standby.name, -5430.0)  # half a minute more, so that the minutes in the message are certain
    yield Injected()
    yield ClockSet(pair.standby.name, 0.0)
    yield Healed()


@fault(
    make_pair,
    Expected(rule="server_not_watched", cause="server_not_watched", within_s=40.0),
    without_agent=frozenset({"pg-9"}),
)
def standby_not_watched(pair: Pair) -> Course:
    """A second standby was made, and nobody started an agent for it."""
    fleet = pair.fleet
    yield Prepared()
    other = fleet.standby("pg-9", pair.primary, slot=False)
    yield Injected()
    fleet.dismiss(other)
    yield Healed()


@fault(make_pair, Expected(rule="node_name_shared", cause="agent_started_twice"), no_trace=NO_SECOND)
def agent_started_twice(pair: Pair) -> Course:
    """A second agent was started with the settings of the first one."""
    yield Prepared()
    yield AgentStarted(pair.standby.name)
    yield Injected()
