"""Measures so that causes do not return, for the last section of a post-mortem. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from leadline.catalogue import CAUSES


@dataclass(frozen=True, slots=True)
class Measures:
    """An improvement changes how things are built; a task is done once and ticked off."""

    improvements: tuple[str, ...]
    tasks: tuple[str, ...]


def measures(codes: Iterable[str]) -> Measures:
    """Those of several causes, each once, in the causes' order; of a code that is not known, those of ``unknown``."""
    found = [CAUSES.get(code, CAUSES["unknown"]) for code in codes] or [CAUSES["unknown"]]
    return Measures(
        tuple(dict.fromkeys(text for each in found for text in each.improvements)),
        tuple(dict.fromkeys(text for each in found for text in each.tasks)),
    )
