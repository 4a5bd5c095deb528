"""Reads the facts that ship with Leadline, and an operator's file that amends them."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec.structs import replace

from leadline.advisories.entry import Amendment, Facts, pair
from leadline.errors import UsageError

FILE = "postgresql.yaml"


def shipped() -> Facts:
    """The facts in the distribution."""
    facts: Facts = _converted(files("leadline.advisories").joinpath(FILE).read_text("utf-8"), Facts, FILE)
    return facts


def amended(facts: Facts, file: Path) -> Facts:
    """The facts with an operator's file. Raises UsageError with the place when it cannot be used."""
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None
    change = _converted(text, Amendment, str(file))
    if unknown := sorted(set(change.withdraw) - {each.id for each in facts.advisories}):
        raise UsageError(f"{file}: withdraw: there is no advisory {unknown[0]}")
    kept = [each for each in facts.advisories if each.id not in {*change.withdraw, *(one.id for one in change.add)}]
    return replace(facts, advisories=(*kept, *change.add), supported={**facts.supported, **change.supported})


def _converted(text: str, kind: type[Any], name: str) -> Any:
    try:
        found = msgspec.convert(yaml.safe_load(text), kind)
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: {str(error).splitlines()[0]}") from None
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}: {error}") from None
    for each in found.advisories if isinstance(found, Facts) else found.add:
        majors = [pair(version)[0] for version in each.fixed]
        if len(set(majors)) != len(majors):
            raise UsageError(f"{name}: {each.id} has two fixed versions of one major")
    return found
