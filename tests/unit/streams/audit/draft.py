"""Recorded looks of an audit, changed in one place."""

from datetime import date
from typing import Any, Self

from msgspec.structs import replace

from leadline.advisories.loading import shipped
from leadline.model.audit_look import AuditedSetting, AuditLook
from leadline.model.observation import Sample
from leadline.model.replication import Slot
from leadline_streams.audit.auditing import audited
from leadline_streams.audit.engines.postgresql.every_rule import AUDIT_RULES
from leadline_streams.audit.engines.postgresql.patch_level import patch_rules
from leadline_streams.audit.finding import AuditReport
from leadline_streams.engines.postgresql.flavours import worded
from tests.fixtures.audit_looks import Recorded, recorded

FACTS = shipped()


class Draft:
    """Samples and looks, to be changed before they are judged."""

    def __init__(self, kind: str = "pair", major: int = 18) -> None:
        self.found: Recorded = recorded(kind, major)

    def put(self, node: str, /, **settings: str) -> Self:
        """Change settings of a node; their units stay."""
        look = self.look_of(node)
        assert look.settings is not None
        own = dict(look.settings)
        for name, value in settings.items():
            own[name] = replace(own.get(name, AuditedSetting(value="")), value=value)
        return self.read(node, settings=own)

    def read(self, node: str, /, **fields: Any) -> Self:
        """Change the look at a node."""
        self.found.looks = [replace(each, **fields) if each.node == node else each for each in self.found.looks]
        return self

    def sampled(self, node: str, /, **fields: Any) -> Self:
        """Change the sample of a node."""
        self.found.samples = [
            replace(each, **fields) if each.node.name == node else each for each in self.found.samples
        ]
        return self

    def slot(self, node: str, **fields: Any) -> Self:
        """Change the first slot of a node, or give it one."""
        slots = self.sample_of(node).slots or (Slot(name="one"),)
        return self.sampled(node, slots=(replace(slots[0], **fields), *slots[1:]))

    def subscription(self, node: str, **fields: Any) -> Self:
        """Change the first subscription of a node."""
        first, *others = self.sample_of(node).subscriptions
        return self.sampled(node, subscriptions=(replace(first, **fields), *others))

    def look_of(self, node: str) -> AuditLook:
        """The look at a node."""
        return next(each for each in self.found.looks if each.node == node)

    def sample_of(self, node: str) -> Sample:
        """The sample of a node."""
        return next(each for each in self.found.samples if each.node.name == node)

    def report(self, today: date | None = None, **given: Any) -> AuditReport:
        """Judge it."""
        at = self.found.samples[0].sent_at
        rules = [*AUDIT_RULES.values(), *patch_rules(FACTS, today or at.date())]
        return audited([self.found.fleet], rules, worded, at, **given)

    def rules(self) -> set[str]:
        """The rules that find something."""
        return {finding.rule for finding in self.report().findings}
