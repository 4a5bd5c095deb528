"""The outage that Leadline was made for: a misconfiguration, then lag and a conflict; one page names the setting."""

from typing import Final

from leadline_lab.demo import expect
from leadline_lab.demo.scenario import Exports, Heeds, Reads, Runs, Scenario, Sets, Step, Writes

BLOCKED: Final = "standby_query_blocks_replay"
DUPLICATE: Final = "subscriber_duplicate_key"
DELAY: Final = "max_standby_streaming_delay"
ORIGIN: Final = "track_commit_timestamp"

POSTMORTEM: Final = Scenario(
    name="postmortem",
    about="a misconfigured replication setup, then lag and conflicting data",
    expected_cause=BLOCKED,
    steps=(
        Step(
            title="All is well",
            deeds=(Writes("pg-1", rate=40),),
            expect=(expect.calm(("pg-1", "pg-2"), ("pg-2", "pg-3"), ("pg-1", "pg-4")),),
            within_s=90.0,
            rest_s=3.0,
        ),
        Step(
            title="Somebody saves a little space on the subscriber",
            deeds=(Sets("pg-4", ORIGIN, "off", restart=True),),
            expect=(
                expect.setting("pg-4", ORIGIN, "off"),
                expect.calm(("pg-1", "pg-2"), ("pg-2", "pg-3"), ("pg-1", "pg-4")),
            ),
            within_s=45.0,
        ),
        Step(
            key="injected",
            title="Somebody lets queries on the standby hold up replay for ever",
            deeds=(Sets("pg-2", DELAY, "-1"),),
            expect=(expect.setting("pg-2", DELAY, "-1"),),
            within_s=30.0,
        ),
        Step(
            title="A report is left open on the standby",
            deeds=(Reads("pg-2", "monthly report", "SELECT sum(abalance) FROM pgbench_accounts"),),
            expect=(
                expect.opened(key="detected"),
                expect.first_cause(BLOCKED, f"{DELAY} = -1", f"{DELAY} on pg-2 was changed from", key="named"),
                expect.verdict("pg-1", "pg-2", "replay_stalled"),
                expect.paged("pg-2", key="paged"),
                expect.messaged(DELAY),
            ),
            within_s=60.0,
            rest_s=2.0,
        ),
        Step(
            key="conflict",
            title="Somebody types an order into the subscriber, and the application makes one with the same number",
            deeds=(
                Runs("pg-4", "app", "INSERT INTO orders VALUES (1042, 'typed in by hand')"),
                Runs("pg-1", "app", "INSERT INTO orders VALUES (1042, 'from the shop')"),
            ),
            expect=(
                expect.fires("apply_conflict", "pg-4/subscription/pg_4"),
                expect.fires("apply_error", "pg-4/subscription/pg_4"),
                expect.also_cause(DUPLICATE, "insert_exists", f"{ORIGIN} on pg-4 was changed from on to off"),
                expect.first_cause(BLOCKED, f"{DELAY} = -1"),
                expect.messaged("insert_exists"),
                expect.paged(),
            ),
            within_s=60.0,
            rest_s=3.0,
        ),
        Step(
            key="fixed",
            title="It is put right as the incident says",
            deeds=(
                Sets("pg-4", ORIGIN, "on", restart=True),
                Heeds(BLOCKED),
                Runs("pg-4", "app", "DELETE FROM orders WHERE id = 1042"),
            ),
            expect=(
                expect.setting("pg-4", ORIGIN, "on"),
                expect.setting("pg-2", DELAY, "30000"),
                expect.calm(("pg-1", "pg-2"), ("pg-2", "pg-3"), ("pg-1", "pg-4")),
                expect.closed(key="resolved"),
                expect.unpaged(),
                expect.edited_to_the_end(),
                expect.logged(),
            ),
            within_s=90.0,
        ),
        Step(
            title="The post-mortem is drafted",
            deeds=(Exports(),),
            expect=(expect.drafted("Root cause", DELAY, "pg-2"),),
            within_s=30.0,
        ),
    ),
)
"""Nodes as in ``leadline_lab.demo.environment``: pg-1 primary, pg-2 standby, pg-3 its standby, pg-4 subscriber."""

SCENARIOS: Final = {POSTMORTEM.name: POSTMORTEM}
