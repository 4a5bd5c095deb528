"""Matchers of a silence, as people give them."""

import pytest

from leadline.errors import UsageError
from leadline_sinks.notify.matchable import parsed


def test_matchers_are_read_from_texts() -> None:
    """A pattern may hold equals signs; the first one ends the name."""
    assert parsed(["cluster=orders", "label.team=a=b*"]) == {"cluster": "orders", "label.team": "a=b*"}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["orders"], "'orders' is not a matcher"),
        (["cluster="], "is not a matcher"),
        (["alertname=x"], "'alertname' is a label of Alertmanager; use rule=NAME"),
        (["cluster=~ord.*"], "patterns are no regular expressions"),
        (["cluster!=a"], "a silence cannot match what is not so"),
        (["cluster!~a"], "a silence cannot match what is not so"),
        (['{cluster="a"}'], "leave out the braces"),
        (['cluster="a"'], "leave out the quotation marks: cluster=a"),
        (["colour=red"], "'colour' is not a field of an incident"),
        (["cluster=a", "cluster=b"], "cluster is given twice"),
    ],
)
def test_what_is_no_matcher(given: list[str], complaint: str) -> None:
    """Each mistake has its own words."""
    with pytest.raises(UsageError, match=complaint):
        parsed(given)
