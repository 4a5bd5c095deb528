"""Settings of an audit: what is accepted as it is."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

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
    """The audit of how servers are set up. `leadline audit` reads `accepted` only."""

    every_s: Annotated[
        float,
        Meta(
            ge=0,
            le=2678400,
            description="Seconds between two audits of a cluster whose results are kept as evidence although nothing "
            "changed; 0 for none. A cluster is audited when an agent sends a look, too.",
        ),
    ] = 86400.0
    spread_s: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds over which the audits of clusters are spread whose looks arrive together.",
        ),
    ] = 60.0
    notify: Annotated[
        Literal["info", "warning", "critical", "never"],
        Meta(
            description="The least severity of a finding of which people are notified by itself, once for all of its "
            "rule in a cluster. What is less severe is in the digest."
        ),
    ] = "warning"
    digest_s: Annotated[
        float,
        Meta(
            ge=0,
            le=2678400,
            description="Seconds between two digests of the other findings of a cluster, of which one is sent when "
            "it says something else than the last; 0 for none.",
        ),
    ] = 86400.0
    accepted: list[AcceptedSettings] = []
