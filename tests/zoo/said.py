"""What a judge said, and when: transitions and incidents, by the clock of the test."""

from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

from leadline.model.alert import Transition
from leadline.model.incident import Incident


class Said:
    """All that was said, in order. Times are those of a monotonic clock."""

    def __init__(self) -> None:
        self._all: list[tuple[float, Transition | Incident]] = []

    def take(self, at: float, outputs: Iterable[Any]) -> None:
        """Keep what there is of interest among a judge's outputs."""
        self._all += [(at, output) for output in outputs if isinstance(output, Transition | Incident)]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[tuple[float, Transition | Incident]]:
        return iter(self._all)

    def fired(self, rule: str, since: float) -> float | None:
        """When the rule fired."""
        for at, said in self._all:
            if at >= since and isinstance(said, Transition) and (said.rule, said.to) == (rule, "firing"):
                return at
        return None

    def anything_fired(self, after: int) -> bool:
        """Whether any rule fired after the first so many."""
        return any(isinstance(said, Transition) and said.to == "firing" for _, said in self._all[after:])

    def first_cause_from(self, cause: str, since: float) -> float | None:
        """From when on this has been the first cause; None while it is not."""
        begun = None
        for at, said in self._all:
            if at >= since and isinstance(said, Incident):
                first = said.causes[0].code == cause
                begun = (begun if begun is not None else at) if first else None
        return begun

    def incident(self) -> Incident | None:
        """The newest record of an incident."""
        return next((said for _, said in reversed(self._all) if isinstance(said, Incident)), None)

    def incidents(self, since: float = -inf, until: float = inf) -> int:
        """How many there were."""
        return len({said.incident_id for at, said in self._all if since <= at < until and isinstance(said, Incident)})
