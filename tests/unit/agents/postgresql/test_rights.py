"""The rights on a server, and the service that runs it, from what its catalogs show."""

import pytest
from msgspec.structs import replace

from leadline_agents.engines.postgresql.refusals import Refusals
from leadline_agents.engines.postgresql.rights import Rights

PLAIN = Rights(
    role="leadline",
    version_num=180000,
    version="18.0",
    in_recovery=False,
    may_read_stats=True,
    may_read_settings=True,
    may_monitor=True,
)


@pytest.mark.parametrize(
    ("marks", "flavour"),
    [
        ({}, ""),
        ({"rds_extensions": "address_standardizer, aurora_stat_utils, bloom"}, "aurora"),
        ({"rds_extensions": "address_standardizer, rds_tools"}, "rds"),
        ({"roles": ("rds_superuser",)}, "rds"),
        ({"roles": ("cloudsqlsuperuser",)}, "cloudsql"),
        ({"roles": ("cloudsqlsuperuser",), "alloydb": True}, "alloydb"),
        ({"roles": ("azure_pg_admin",)}, "azure"),
        ({"roles": ("neon_superuser",)}, "neon"),
        ({"neon": True}, "neon"),
        ({"roles": ("supabase_admin",)}, "supabase"),
        ({"cnpg": True}, "cloudnativepg"),
        ({"patroni": True}, "patroni"),
    ],
)
def test_the_service_is_known_by_its_marks(marks: dict[str, object], flavour: str) -> None:
    """A setting or a role that only the service creates."""
    assert replace(PLAIN, **marks).flavour == flavour


def test_what_is_refused_is_named_by_what_it_costs() -> None:
    """A view that may not be read costs its group; a function costs a field."""
    refusals = Refusals()
    refusals.know(replace(PLAIN, denied=("pg_stat_get_wal_senders()", "pg_last_wal_receive_lsn()")))
    assert refusals.not_permitted == ("downstreams", "positions.received_lsn")
    assert refusals.groups == {"downstreams"}
    refusals.find("pg_stat_wal_receiver", "0A000")
    assert (refusals.not_supported, refusals.groups) == (("upstream",), {"downstreams", "upstream"})
    refusals.forget()
    assert (refusals.not_supported, refusals.groups) == ((), {"downstreams"})


def test_a_version_lacks_nothing_that_is_not_asked_of_it() -> None:
    """On 13 the pause is read by another function."""
    refusals = Refusals()
    missing = ("pg_get_wal_replay_pause_state()", "pg_stat_replication_slots", "pg_stat_subscription_stats")
    refusals.know(replace(PLAIN, version_num=130000, missing=missing))
    assert refusals.not_supported == ()


def test_a_lock_costs_what_waits_for_it() -> None:
    """For as long as it is held."""
    refusals = Refusals()
    refusals.know(PLAIN)
    refusals.hold(["pg_subscription"], 10.0)
    assert (refusals.not_read, refusals.is_holding) == (("copies", "subscriptions"), True)
    refusals.hold([], 20.0)
    assert (refusals.not_read, refusals.is_holding) == ((), False)
