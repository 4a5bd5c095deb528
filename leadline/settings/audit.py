"""Settings of an audit: what is accepted as it is."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from msgspec import Meta

from leadline.settings.declare import SettingPath, Settings


class AcceptedSettings(Settings, frozen=True, kw_only=True):
    """Findings of an audit that somebody answers for, until a day. They are reported apart, and come back after it."""

    rule: Annotated[
        str, Meta(pattern=r"^[A-Z]+(-[A-Z]+)*-\d{3,}$", description="Id of the audit rule.", examples=["PG-SBY-005"])
    ]
    subject: Annotated[
        str,
        Meta(
            min_length=1,
            description="Identity of the node, link or cluster that it is about, as in the JSON of an audit; it may "
            "contain `*` and `?`.",
            examples=["orders/pg-3"],
        ),
    ] = "*"
    owner: Annotated[str, Meta(min_length=1, description="Who answers for it.", examples=["ada"])]
    reason: Annotated[
        str, Meta(min_length=1, description="Why it is as it is.", examples=["pg-3 is kept an hour behind on purpose"])
    ]
    until: Annotated[
        str,
        Meta(
            pattern=r"^\d{4}-\d{2}-\d{2}$",
            extra={"allowed": "a day, such as 2027-06-30, in quotes"},
            description="The last day on which it is accepted.",
            examples=["2027-06-30"],
        ),
    ]

    @property
    def last_day(self) -> date:
        """``until`` as a day."""
        return date.fromisoformat(self.until)

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The day must exist."""
        try:
            date.fromisoformat(self.until)
        except ValueError:
            yield ("until",), f"there is no day {self.until}"


class AuditSettings(Settings, frozen=True, kw_only=True):
    """The audit of how servers are set up."""

    accepted: list[AcceptedSettings] = []
