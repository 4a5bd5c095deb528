"""A subscription is switched off."""

from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, on_subscriber
from tests.zoo.rig import Watch

ENABLE = "ALTER SUBSCRIPTION pg_3 ENABLE"


def test_disabled_by_operator(logical: Logical, watch: Watch) -> None:
    """Somebody disabled it for a migration and forgot it."""
    rig = watch(logical)
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 DISABLE")
    incident = rig.expect(rule="subscription_disabled", cause="subscription_disabled_by_operator", verdict="broken")
    assert ENABLE in incident.causes[0].fix
    on_subscriber(logical, ENABLE)
    rig.expect_resolved()


def test_disabled_on_error(logical: Logical, watch: Watch) -> None:
    """The server disabled it at the first error, as it was told to; what the error was stands behind it."""
    rig = watch(logical)
    on_subscriber(
        logical, "ALTER SUBSCRIPTION pg_3 SET (disable_on_error = true)", "INSERT INTO items VALUES (4000, 'local')"
    )
    on_publisher(logical, "INSERT INTO items VALUES (4000, 'remote')")
    incident = rig.expect(rule="subscription_disabled", cause="subscription_disabled_on_error", verdict="broken")
    assert incident.causes[1].code == "subscriber_duplicate_key"
    on_subscriber(
        logical,
        "DELETE FROM items WHERE id = 4000",
        "ALTER SUBSCRIPTION pg_3 SET (disable_on_error = false)",
        ENABLE,
    )
    rig.expect_resolved()
