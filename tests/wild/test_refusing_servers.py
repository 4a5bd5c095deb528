"""Servers that refuse a function, a view or a right: what is refused is lost, and nothing else."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from leadline.model.observation import Sample
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.fixtures.postgres_versions import binaries_for
from tests.fixtures.skins import aurora
from tests.integration.agents.test_look import agent, password_of
from tests.wild.conftest import Wild

LOOKS = 60
READER = ("pg_last_wal_receive_lsn", "pg_last_xact_replay_timestamp", "pg_stat_get_wal_receiver")
WRITER = ("pg_current_wal_lsn", "pg_current_wal_flush_lsn")


@pytest.fixture(scope="module")
def dressed() -> Iterator[tuple[Server, Server]]:
    """A primary and a standby that refuse what writers and readers of Amazon Aurora have been seen to refuse."""
    with Fleet(binaries_for(18)) as fleet:
        primary = fleet.primary("pg-1")
        standby = fleet.standby("pg-2", primary)
        fleet.wait_caught_up()
        primary.configure(**{"rds.extensions": "aurora_stat_utils, pg_stat_statements"})
        standby.configure(**{"rds.extensions": "aurora_stat_utils, pg_stat_statements"})
        aurora(primary, *WRITER, *READER)
        fleet_lsn = primary.value("SELECT pg_current_wal_insert_lsn()::text")
        while standby.value("SELECT pg_last_wal_replay_lsn() < %s::pg_lsn", [fleet_lsn]):
            pass
        yield primary, standby


async def looks(server: Server, number: int, user: str = AGENT) -> tuple[list[Sample], list[str]]:
    """So many looks of one agent, and the errors that they leave in the server log."""
    since = len(server.server_log.read_text())
    sampler = agent(server.dsn(user=user))
    try:
        samples = [(await sampler.look())[0] for _ in range(number)]
    finally:
        await sampler.close()
    lines = server.server_log.read_text()[since:].splitlines()
    return samples, [line for line in lines if "ERROR:" in line or "FATAL:" in line]


@pytest.mark.quick
@pytest.mark.parametrize(
    ("which", "lost"),
    [
        (0, {"positions.current_lsn", "positions.received_lsn", "positions.last_replay_at", "node.timeline"}),
        (1, {"positions.received_lsn", "positions.last_replay_at", "upstream"}),
    ],
    ids=["writer", "reader"],
)
@pytest.mark.situation(
    43,
    "A server that refuses functions, in the words of Aurora",
    "DataDog/integrations-core#14498",
    "prometheus-community/postgres_exporter#1273",
    "ankane/pghero#168",
)
async def test_a_refusal_costs_what_it_would_have_shown(
    dressed: Sequence[Server], wild: Wild, which: int, lost: set[str]
) -> None:
    """Up at the first look, the rest is there, and 60 looks leave no more errors than there are refusals."""
    samples, errors = await looks(dressed[which], LOOKS)
    assert all(sample.up for sample in samples), samples[0].error
    first = samples[0]
    assert set(first.not_supported) >= lost
    assert first.not_permitted == ()
    assert (first.node.role, first.node.flavour) == (("primary", "standby")[which], "aurora")
    assert first.node.system_id
    assert first.activity is not None
    assert first.positions is not None
    assert first.positions.replayed_lsn is not None or which == 0
    assert {sample.not_supported for sample in samples} == {first.not_supported}
    assert 0 < len(errors) <= 2 * len(READER + WRITER)
    assert all("for Aurora" in line for line in errors)
    wild.answers(f"up, aurora; not_supported: {', '.join(sorted(lost))}; {len(errors)} errors in {LOOKS} looks", 0.0)


@pytest.mark.quick
@pytest.mark.situation(
    43, "Checked once, a server that refuses functions", "prometheus-community/postgres_exporter#1309"
)
def test_check_is_not_down(run: Run, dressed: Sequence[Server], wild: Wild, tmp_path: Path) -> None:
    """Both servers are up in one look, what the standby refuses is reported, and the exit code says so."""
    dsns = [server.dsn(user=AGENT) for server in dressed]
    result = run("check", *dsns)
    assert "down" not in result.out, result.out
    assert result.code == 3, result.out + result.err
    assert f"cannot see everything: rules are blind on {dressed[1].name}" in result.err
    (row,) = [line for line in result.out.splitlines() if "BLIND: rules are blind on" in line]
    assert row.split()[0] == dressed[1].name
    limits = tmp_path / "stream.yaml"
    limits.write_text("rules: {rule_blind: {enabled: false}}\n")
    accepted = run("check", "--config", str(limits), *dsns)
    assert "BLIND" not in accepted.out
    assert (accepted.code, "is not known" in accepted.err) == (3, True), accepted.err
    (refused,) = [
        line for line in result.out.splitlines() if f"{dressed[1].name} (aurora) refuses to everybody" in line
    ]
    assert "upstream" in refused
    wild.answers("both servers up; not seen: … (aurora) refuses to everybody: positions.received_lsn, upstream")


@pytest.mark.quick
@pytest.mark.situation(
    306,
    "Rights that an owner revoked from everybody",
    "prometheus-community/postgres_exporter#1100",
    "spantaleev/matrix-docker-ansible-deploy#3039",
)
async def test_revoked_rights_cost_no_error_at_all(pair: Pair, wild: Wild) -> None:
    """The catalogs show them, so nothing is asked that would be refused."""
    what = (
        "FUNCTION pg_stat_get_wal_senders()",
        "FUNCTION pg_get_replication_slots()",
        "FUNCTION pg_last_xact_replay_timestamp()",
        "FUNCTION pg_control_system()",
        "pg_stat_archiver",
        "pg_subscription",
        "pg_publication",
        "pg_prepared_xacts",
    )
    primary = pair.primary
    role = "harm_bare"
    primary.query(f"CREATE ROLE {role} LOGIN PASSWORD '{password_of(primary)}' IN ROLE pg_read_all_stats")
    try:
        for each in what:
            right = "EXECUTE" if each.startswith("FUNCTION") else "SELECT"
            primary.query(f"REVOKE {right} ON {each} FROM PUBLIC")
        pair.fleet.wait_caught_up()
        samples, errors = await looks(primary, 5, role)
        assert samples[0].up, samples[0].error
        assert errors == []
        assert set(samples[0].not_permitted) >= {
            *("downstreams", "slots", "archiver", "subscriptions", "publications", "disk", "settings"),
            *("positions.last_replay_at", "node.system_id", "activity.prepared_transactions"),
        }
        assert samples[0].activity is not None
        wild.answers(
            "not_permitted: downstreams, slots, archiver, subscriptions, publications, disk, settings; no error"
        )
    finally:
        for each in what:
            right = "EXECUTE" if each.startswith("FUNCTION") else "SELECT"
            primary.query(f"GRANT {right} ON {each} TO PUBLIC")
        primary.query(f"DROP ROLE {role}")


@pytest.mark.quick
@pytest.mark.situation(307, "A right that is revoked while the agent looks", "bitnami/charts#20247")
async def test_a_right_revoked_meanwhile_costs_one_error(pair: Pair, wild: Wild) -> None:
    """The refused look is answered without it in the same second, and the sample names the right."""
    primary = pair.primary
    sampler = agent(primary.dsn(user=AGENT))
    try:
        before, _ = await sampler.look()
        assert before.downstreams
        primary.query("REVOKE EXECUTE ON FUNCTION pg_stat_get_wal_senders() FROM PUBLIC")
        since = len(primary.server_log.read_text())
        wild.begins()
        after = [(await sampler.look())[0] for _ in range(3)]
        assert all(sample.up for sample in after), after[0].error
        assert {sample.not_permitted for sample in after} == {("downstreams",)}
        wild.answers("not_permitted: downstreams; one error")
        assert primary.server_log.read_text()[since:].count("ERROR:") == 1
    finally:
        primary.query("GRANT EXECUTE ON FUNCTION pg_stat_get_wal_senders() TO PUBLIC")
        await sampler.close()


@pytest.mark.quick
@pytest.mark.parametrize(
    ("settings", "role", "flavour"),
    [
        ({"rds.extensions": "rds_tools, bloom"}, None, "rds"),
        ({"rds.extensions": "aurora_stat_utils"}, None, "aurora"),
        ({"cnpg.config_sha256": "3cfa683e"}, None, "cloudnativepg"),
        ({}, "cloudsqlsuperuser", "cloudsql"),
        ({}, "azure_pg_admin", "azure"),
        ({}, "neon_superuser", "neon"),
        ({}, None, ""),
    ],
    ids=["rds", "aurora", "cloudnativepg", "cloudsql", "azure", "neon", "nobody"],
)
@pytest.mark.situation(
    308, "The service that runs a server", "erikdarlingdata/PerformanceMonitor#2340", "DataDog/integrations-core#20310"
)
async def test_the_service_is_known_without_an_error(
    pair: Pair, wild: Wild, settings: dict[str, str], role: str | None, flavour: str
) -> None:
    """By settings and roles, and nothing is called that only a service has."""
    primary = pair.primary
    if role is not None:
        primary.query(f"CREATE ROLE {role}")
    if settings:
        primary.configure(**settings)
    try:
        samples, errors = await looks(primary, 2)
    finally:
        if settings:
            primary.configure(**dict.fromkeys(settings))
        if role is not None:
            primary.query(f"DROP ROLE {role}")
    assert samples[-1].node.flavour == flavour
    assert errors == []
    wild.answers(f"flavour: {flavour}") if flavour else wild.raises_nothing()
