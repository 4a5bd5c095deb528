"""Subscriptions of one name in several databases of a server are distinguished by their databases."""

from leadline.model.replication import Subscription
from leadline.model.tables import TableCopy
from leadline_agents.engines.postgresql.same_names import by_name, copies_of, distinguished

ORDERS = Subscription(name="sub", oid=1, database="orders")
BILLING = Subscription(name="sub", oid=2, database="billing")
OTHER = Subscription(name="other", oid=3, database="orders")


def test_names_that_differ_stay() -> None:
    """Nothing is renamed where every name is one subscription's."""
    apart = (ORDERS, OTHER)
    assert distinguished(apart) is apart
    assert ORDERS.in_sql == "sub"


def test_a_name_that_is_shared_gets_the_database() -> None:
    """The name in statements stays the one that the server has."""
    found = distinguished((ORDERS, OTHER, BILLING))
    assert [each.name for each in found] == ["sub@orders", "other", "sub@billing"]
    assert [each.in_sql for each in found] == ["sub", "other", "sub"]


def test_what_is_known_of_them_follows() -> None:
    """Copies by the subscription's oid, lists of tables by its database."""
    found = distinguished((ORDERS, BILLING))
    copy = TableCopy(subscription="sub", subscription_oid=2, oid=20, pid=7)
    assert [each.subscription for each in copies_of(found, (copy,))] == ["sub@billing"]
    assert by_name(found, "billing", {"sub": ("t",), "other": ()}) == {"sub@billing": ("t",), "other": ()}
    assert by_name(found, "billing", None) is None
