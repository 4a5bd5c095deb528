"""Two servers take writes, and what comes of it."""

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.fleets import make_cascade
from tests.zoo.rig import Watch
from tests.zoo.sessions import write_log


def test_promoted_beside_the_primary(fleet: Fleet, watch: Watch) -> None:
    """A standby was promoted while the primary lived; then the old primary was made its standby without a rewind."""
    cascade = make_cascade(fleet)
    old, new = cascade.primary, cascade.standby
    rig = watch(cascade)
    new.query("SELECT pg_promote()")
    incident = rig.expect(rule="split_brain", cause="two_writers")
    assert "pg-2 was promoted, timeline 2, while pg-1 still takes writes" in incident.causes[0].summary
    rig.until_named("promoted_standby_still_followed")

    write_log(old, segments=2)
    old.stop()
    old.follow(new.dsn(user=REPLICATOR, application_name="pg-1"), slot="")
    old.start()
    eventually("pg-1 is a standby", lambda: bool(old.value("SELECT pg_is_in_recovery()")))
    rig.mark()
    incident = rig.expect(rule="replication_cut_off", cause="timeline_fork")
    assert "pg-1 is on timeline 1 and pg-2 on 2" in incident.causes[0].summary
