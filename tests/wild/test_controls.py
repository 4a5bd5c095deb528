"""Healthy servers, named and set up as people have them: nothing is raised, and ``check`` ends with 0."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.workload import writing
from leadline_streams.rules import RULES
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Shelf
from tests.wild.conftest import Wild
from tests.wild.people import Watching

FOR_S = 5.0
"""Rules fire after this time, and not after half a minute: a control that is quiet for long enough is so in less."""
RESTARTS = {rule: {"for_s": RULES[rule].limits.for_s} for rule in ("node_down", "replication_cut_off", "slot_inactive")}
"""For servers that are restarted: a restart is no fault as long as it takes no longer than with the default rules."""
SENDING = "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"

Quiet = Callable[..., None]


@pytest.fixture
def plain(shelf: Shelf) -> Iterator[Pair]:
    """A primary and its standby without names and without a slot."""
    with shelf.lend(make_pair, plain=True, slots=False) as pair:
        yield pair


@pytest.fixture
def quiet(wild: Wild, run: Run) -> Quiet:
    """Hold that nothing is raised of servers for a time, in which ``happens`` is called; ``check`` then ends with 0."""

    def held(servers: Sequence[Server], seconds: float, happens: Callable[[Watching], None] = lambda _: None) -> None:
        dsns = [server.dsn(user=AGENT) for server in servers]
        with Watching(*dsns, for_s=FOR_S, rules=RESTARTS) as now:
            now.look(3)
            happens(now)
            now.look(round(seconds))
            assert not now.fired, now.history()
        checked = run("check", *dsns)
        assert checked.code == 0, checked.out + checked.err
        wild.raises_nothing()

    return held


@pytest.mark.quick
@pytest.mark.situation(807, "Servers that write their messages in German", "getodk/central#1199")
def test_german_servers(shelf: Shelf, quiet: Quiet, wild: Wild) -> None:
    """lc_messages is de_DE, as an installer in Germany sets it."""
    wild.server_version = "15"
    with shelf.lend(make_pair, 15, plain=True, slots=False) as pair:
        servers = pair.primary, pair.standby
        for server in servers:
            server.configure(lc_messages="de_DE.utf8")
        try:
            with writing(pair.primary):
                quiet(servers, 12.0)
        finally:
            for server in servers:
                server.configure(lc_messages=None)


@pytest.mark.quick
@pytest.mark.situation(808, "The plainest pair there is, idle and busy", "netdata#13387")
def test_plainest_pair(plain: Pair, quiet: Quiet) -> None:
    """No application_name, no slot, nothing but two connection strings."""

    def busy(now: Watching) -> None:
        now.look(8)
        with writing(plain.primary):
            now.look(8)

    quiet((plain.primary, plain.standby), 8.0, busy)
