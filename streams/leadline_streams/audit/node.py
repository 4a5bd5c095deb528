"""One server as the rules of an audit see it. What was not read raises ``Unseen``; it never looks like a default."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from leadline.model.alert import Evidence
from leadline.model.audit_look import AuditedSetting, AuditLook
from leadline.model.ids import NodeName
from leadline.model.node import Node
from leadline.model.observation import Sample
from leadline.setting_words import shown, written

OWN = frozenset({"client", "session", "user", "database", "database user"})
"""Sources of a value that is the session's, and hides that of the server."""
_BYTES = {"B": 1, "kB": 1024, "8kB": 8192, "MB": 1024**2, "16MB": 16 * 1024**2, "GB": 1024**3}
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
T = TypeVar("T")


class Unseen(Exception):
    """Something that a rule needs was not read. ``str()`` is the reason, with what would show it."""


@dataclass(frozen=True)
class AuditedNode:
    """A server: a sample of it, and the look of the audit."""

    sample: Sample
    look: AuditLook

    @property
    def node(self) -> Node:
        """Its identity and version."""
        return self.sample.node

    @property
    def name(self) -> NodeName:
        """Its name."""
        return self.sample.node.name

    @cached_property
    def major(self) -> int:
        """The major version."""
        return self.sample.node.version_num // 10000

    @property
    def is_standby(self) -> bool:
        """Whether it is in recovery."""
        return self.sample.node.role == "standby"

    @property
    def is_primary(self) -> bool:
        """Whether it takes writes."""
        return self.sample.node.role == "primary"

    def group(self, name: str, value: T | None) -> T:
        """A group of the look. Raises Unseen with the reason where it was not read."""
        if value is None:
            raise Unseen(f"{self.name}: {self.look.unseen.get(name, f'{name} was not read')}")
        return value

    def seen(self, group: str) -> None:
        """Raise Unseen where a group of the sample was not read, by a missing right, a lock or a refusal."""
        sample = self.sample
        for reason, groups in (
            ("its role may not read it", sample.not_permitted),
            ("the server does not show it", sample.not_supported),
            ("a lock is in the way", sample.not_read),
        ):
            if group in groups or group.partition(".")[0] in groups:
                raise Unseen(f"{self.name}: {group} was not read: {reason}")

    def has(self, name: str) -> bool:
        """Whether its version has a setting. Raises Unseen where settings are hidden."""
        return self._setting(name) is not None

    def text(self, name: str) -> str:
        """The value of a setting; empty where the version does not have it. Raises Unseen."""
        setting = self._setting(name)
        return setting.value if setting is not None else ""

    def on(self, name: str) -> bool:
        """Whether a setting is ``on``. Raises Unseen."""
        return self.text(name) == "on"

    def number(self, name: str) -> int | None:
        """A setting that is a number, in its own unit; None where the version does not have it. Raises Unseen."""
        text = self.text(name)
        try:
            return int(text) if text else None
        except ValueError:
            return None

    def size_bytes(self, name: str) -> int | None:
        """A setting that is a size; a negative one stays as it is. Raises Unseen."""
        return _scaled(self.number(name), _BYTES.get(self._unit(name), 1))

    def seconds(self, name: str) -> float | None:
        """A setting that is a time; a negative one stays as it is. Raises Unseen."""
        value = self.number(name)
        return None if value is None else value if value < 0 else value * _SECONDS.get(self._unit(name), 1.0)

    def shown(self, name: str) -> str:
        """The value of a setting as people write it."""
        setting = self._setting(name)
        return shown(name, written(setting.value, setting.unit) if setting is not None else None)

    def evidence(self, *names: str) -> tuple[Evidence, ...]:
        """Settings with their values, and the files that set them."""
        return tuple(
            Evidence(name=name, value=self.shown(name), node=self.name, note=_place(setting))
            for name in names
            if (setting := self._setting(name)) is not None
        )

    def differing(self, other: "AuditedNode", names: Sequence[str]) -> list[str]:
        """The settings that both have, with different values. Raises Unseen."""
        return [name for name in names if self.has(name) and other.has(name) and self.text(name) != other.text(name)]

    def _unit(self, name: str) -> str:
        setting = self._setting(name)
        return (setting.unit or "") if setting is not None else ""

    def _setting(self, name: str) -> AuditedSetting | None:
        settings = self.group("settings", self.look.settings)
        setting = settings.get(name)
        if setting is None:
            if "settings" in self.look.unseen:
                raise Unseen(f"{self.name}: {self.look.unseen['settings']}")
            return None
        if setting.source in OWN:
            raise Unseen(f"{self.name}: {name} is set for the role or database of {self.look.login}, which hides it")
        return setting


def _scaled(value: int | None, unit: int) -> int | None:
    return value if value is None or value < 0 else value * unit


def _place(setting: AuditedSetting) -> str | None:
    if setting.file is not None:
        return f"{setting.file}:{setting.line}"
    return "default" if setting.source == "default" else setting.source or None
