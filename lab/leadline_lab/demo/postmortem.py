"""The outage that Leadline was made for: two wrong settings, then lag and a conflict, each with a page of its own."""

from typing import Final

from leadline_lab.demo import expect
from leadline_lab.demo.scenario import (
    Configure,
    Export,
    FollowAdvice,
    Inject,
    Load,
    Repair,
    Scenario,
    ScenarioStep,
    SkipConflict,
)

BLOCKED: Final = "standby_query_blocks_replay"
DUPLICATE: Final = "subscriber_duplicate_key"
DELAY: Final = "max_standby_streaming_delay"
SKIPPED: Final = "transaction_skipped"
LOST: Final = "public.orders: 1 missing, 1 changed (id=1000, id=1001)"
ORIGIN: Final = "track_commit_timestamp"
NEVER: Final = "PG-SBY-001"
"""The rule of the audit about that delay."""

BLOCKED_REPLAY: Final = "query_blocks_replay_snapshot"
DUPLICATE_KEY: Final = "duplicate_key_5s"
"""Faults."""
LINKS: Final = (("pg-1", "pg-2"), ("pg-2", "pg-3"), ("pg-1", "pg-4"))

POSTMORTEM: Final = Scenario(
    name="postmortem",
    about="a misconfigured replication setup, then lag and conflicting data",
    expected_cause=BLOCKED,
    steps=(
        ScenarioStep(
            title="Everything is healthy",
            actions=(Load("pg-1", rate=40),),
            expect=(expect.healthy(*LINKS), expect.proven("pg-4")),
            within_s=90.0,
            pause_s=3.0,
        ),
        ScenarioStep(
            title="To save a little space, commit timestamps are switched off on the subscriber",
            actions=(Configure("pg-4", ORIGIN, "off", restart=True),),
            expect=(expect.setting("pg-4", ORIGIN, "off"), expect.healthy(*LINKS)),
            within_s=45.0,
        ),
        ScenarioStep(
            title="Queries on the standby may now block replay for ever; the audit finds it before anything is late",
            page="/audits",
            actions=(Configure("pg-2", DELAY, "-1"),),
            expect=(
                expect.setting("pg-2", DELAY, "-1"),
                expect.audited(NEVER, "pg-2"),
                expect.healthy(*LINKS),
            ),
            within_s=60.0,
            pause_s=2.0,
        ),
        ScenarioStep(
            key="injected",
            title="Nobody acts on it, and a report is left open on the standby",
            page="/incident?id={incident}",
            actions=(Inject(BLOCKED_REPLAY),),
            expect=(
                expect.setting("pg-2", DELAY, "-1"),
                expect.opened(key="detected"),
                expect.first_cause(BLOCKED, f"{DELAY} = -1", f"{DELAY} on pg-2 was changed from", key="named"),
                expect.verdict("pg-1", "pg-2", "replay_stalled"),
                expect.paged("pg-2", key="paged"),
                expect.messaged(DELAY),
            ),
            within_s=60.0,
            pause_s=2.0,
        ),
        ScenarioStep(
            key="conflict",
            title="A row is inserted on the subscriber by hand, and the application inserts one with the same key",
            page="/incident?id={incident}",
            actions=(Inject(DUPLICATE_KEY),),
            expect=(
                expect.fires("apply_conflict", "pg-4/subscription/pg_4"),
                expect.fires("apply_error", "pg-4/subscription/pg_4"),
                expect.first_cause(
                    DUPLICATE, "insert_exists", f"{ORIGIN} on pg-4 was changed from on to off", incidents=2
                ),
                expect.first_cause(BLOCKED, f"{DELAY} = -1", incidents=2),
                expect.messaged("insert_exists", messages=2),
                expect.paged("pg-4", pages=2),
            ),
            within_s=60.0,
            pause_s=3.0,
        ),
        ScenarioStep(
            key="skipped",
            title="The first fix is applied, and the conflict is skipped: all links are healthy, but rows are lost",
            page="/incident?id={incident}",
            actions=(FollowAdvice(BLOCKED), Configure("pg-4", ORIGIN, "on", restart=True), SkipConflict()),
            expect=(
                expect.setting("pg-4", ORIGIN, "on"),
                expect.setting("pg-2", DELAY, "30000"),
                expect.goes_on(*LINKS),
                expect.fires("data_divergence", "pg-1->pg-4/pg_4", key="found"),
                expect.joined("data_divergence", DUPLICATE, SKIPPED, incidents=2),
                expect.messaged(LOST, messages=2),
                expect.paged(LOST, pages=2),
            ),
            within_s=60.0,
            pause_s=3.0,
        ),
        ScenarioStep(
            key="repaired",
            title="The rows are repaired with the statements that the verifier writes",
            actions=(Repair("public.orders"),),
            expect=(
                expect.healthy(*LINKS),
                expect.proven("pg-4"),
                expect.audited(NEVER, "pg-2", found=False),
                expect.closed(2, key="resolved"),
                expect.pages_resolved(2),
                expect.messages_resolved(2),
                expect.logged(2),
            ),
            within_s=90.0,
        ),
        ScenarioStep(
            title="The post-mortems are drafted",
            page="/postmortem?id={incident}",
            actions=(Export(),),
            expect=(expect.drafted("Root cause", DELAY, "pg-2"), expect.drafted_too("Root cause", LOST)),
            within_s=30.0,
        ),
    ),
)
"""Nodes as in ``leadline_lab.demo.environment``: pg-1 primary, pg-2 standby, pg-3 its standby, pg-4 subscriber."""

SCENARIOS: Final = {POSTMORTEM.name: POSTMORTEM}
