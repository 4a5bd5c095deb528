"""The values of evidence as people write them: ``162.0 MB`` where the record has ``162000000``."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from leadline.model.alert import Evidence
from leadline.words import duration, size

_UNITS: Final[Mapping[str, Callable[[float], str]]] = {"bytes": size, "s": duration}
_NUMBER: Final = re.compile(r"\d{1,18}(\.\d{1,6})?", re.ASCII).fullmatch


def shown(evidence: Evidence) -> str:
    """The value of a fact; in the unit that its name ends in, a number is written with that unit."""
    unit = _UNITS.get(evidence.name.rpartition("_")[2])
    return unit(float(evidence.value)) if unit is not None and _NUMBER(evidence.value) else evidence.value
