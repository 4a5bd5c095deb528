"""Statements in the database that is replicated by subscription."""

from leadline_lab.sandbox.wait import eventually
from tests.fixtures.fleets import Logical

DATABASE = "app"


def on_publisher(logical: Logical, *statements: str) -> None:
    """Run them on pg-1, each in a transaction of its own."""
    for statement in statements:
        logical.publisher.query(statement, dbname=DATABASE)


def on_subscriber(logical: Logical, *statements: str) -> None:
    """Run them on pg-3."""
    for statement in statements:
        logical.subscriber.query(statement, dbname=DATABASE)


def switch_off(logical: Logical) -> None:
    """Disable the subscription and wait until its slot is not in use."""
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 DISABLE")
    unused = "SELECT 1 FROM pg_replication_slots WHERE slot_name = 'pg_3' AND NOT active"
    eventually("nobody uses slot pg_3", lambda: bool(logical.publisher.query(unused)), 10.0)


def switch_on(logical: Logical) -> None:
    """Enable the subscription."""
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 ENABLE")
