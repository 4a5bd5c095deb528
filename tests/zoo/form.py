"""The forms in which a fault is tried: how the servers are named, and when looking begins."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from leadline_lab.faults.fault import Fault
from tests.zoo import versions


class Form(NamedTuple):
    """One form of a fault."""

    plain: bool = False
    """Servers as most people have them: nodes named host:port, no application_name, no slot that the fault can do
    without. Otherwise they are named as the documentation suggests."""
    late: bool = False
    """Looking begins when the fault has been there for a while, as it does for most people the first time."""

    @property
    def label(self) -> str:
        """The form in a test's name; empty for the first form."""
        return "-".join(word for word, of in (("plain", self.plain), ("late", self.late)) if of)


NAMED, PLAIN, LATE, PLAIN_LATE = Form(), Form(plain=True), Form(late=True), Form(plain=True, late=True)
FORMS = (NAMED, PLAIN, LATE, PLAIN_LATE)
_SERVER = re.compile(r"\bpg-\d\b")


def forms_for(fault: Fault[Any], major: int) -> list[Form]:
    """In a whole run all forms on the newest version, and on older ones the first and the hardest.

    A short run has the first form, and of the faults that it runs on the older version too one more on the newest.
    """
    if versions.requested():
        wanted = [*FORMS] if major == versions.NEW else [NAMED, PLAIN_LATE]
    else:
        wanted = [NAMED, LATE] if fault.older and major == versions.NEW else [NAMED]
    if fault.expected is None:
        wanted = [form for form in (NAMED, PLAIN) if form in wanted]
    return [form for form in wanted if not form.late or not fault.no_trace]


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text about the servers of the laboratory, with the names that the nodes have."""
    return _SERVER.sub(lambda found: names.get(found[0], found[0]), text)
