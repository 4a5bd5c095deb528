"""Actions on servers that only note what is run on them."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.errors import ProblemFound
from leadline.model.incident import Risk, Step
from leadline_lab.demo.actions import Actions
from leadline_lab.demo.observed import Observed
from leadline_lab.demo.postmortem import BLOCKED, DELAY, DUPLICATE
from leadline_lab.demo.scenario import FollowAdvice
from tests.unit.lab.demo.made import everything, incident


class Noting:
    """A server that runs nothing."""

    def __init__(self) -> None:
        self.run: list[tuple[str, str]] = []

    def execute(self, *statements: str, dbname: str) -> None:
        self.run += [(statement, dbname) for statement in statements]


class Servers:
    """As much of a fleet as actions need."""

    def __init__(self) -> None:
        self.servers: dict[str, Any] = {"pg-2": Noting()}
        self.on_change: Any = None


def follow(observed: Observed, cause: str = BLOCKED) -> list[tuple[str, str]]:
    fleet: Any = Servers()
    Actions(fleet).perform(FollowAdvice(cause), observed, lambda _: None)
    return list(fleet.servers["pg-2"].run)


def with_steps(*steps: Step) -> Observed:
    observed = everything("open")
    observed.add(incident(seq=2, causes=[replace(incident().causes[0], steps=list(steps))]))
    return observed


def test_the_statements_of_a_fix_are_run_where_it_says() -> None:
    """In order, each on its server and in its database; instructions in words are left to people."""
    assert follow(everything("open")) == [
        ("SELECT pg_terminate_backend(4711)", "postgres"),
        (f"ALTER SYSTEM SET {DELAY} = '30s'", "postgres"),
        ("SELECT pg_reload_conf()", "postgres"),
    ]
    in_words = Step(risk="look", text="Ask who left the report open.")
    in_app = Step(risk="safe", node="pg-2", database="app", sql="SELECT 1")
    assert follow(with_steps(in_words, in_app)) == [("SELECT 1", "app")]


@pytest.mark.parametrize("risk", ["look", "safe", "careful", "destructive"])
def test_a_destructive_step_is_left_to_people(risk: Risk) -> None:
    """A fix without a statement that may be run is an error that names the cause."""
    observed = with_steps(Step(risk=risk, node="pg-2", sql="DROP TABLE orders"))
    if risk == "destructive":
        with pytest.raises(ProblemFound, match=f"no statements to run for {BLOCKED}"):
            follow(observed)
    else:
        assert follow(observed) == [("DROP TABLE orders", "postgres")]


@pytest.mark.parametrize(
    ("cause", "observed", "why"),
    [
        (DUPLICATE, with_steps(), "it does not name it"),
        (BLOCKED, with_steps(Step(risk="safe", node="pg-7", sql="SELECT 1")), "pg-7, which is not a server"),
    ],
)
def test_advice_that_cannot_be_followed(cause: str, observed: Observed, why: str) -> None:
    """The reason is one line."""
    with pytest.raises(ProblemFound, match=why):
        follow(observed, cause)
