"""Settings of who is notified of an incident, and when."""

from collections.abc import Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from msgspec import Meta, field

from leadline.catalogue import RULES
from leadline.settings.addresses import Glob, HttpAddress
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.hours import HoursSettings

Seconds = Annotated[float, Meta(ge=0, le=86400)]


class RouteMatch(Settings, frozen=True, kw_only=True):
    """The incidents of a route. Patterns have the wildcards `*` and `?`; all that are set must match."""

    cluster: Annotated[Glob, Meta(description="Pattern for the name of the cluster.", examples=["orders*"])] | None = (
        None
    )
    datacenter: (
        Annotated[Glob, Meta(description="Pattern for any datacenter of the incident.", examples=["fra1"])] | None
    ) = None
    severity: Annotated[Literal["info", "warning", "critical"], Meta(description="Lowest severity that matches.")] = (
        "info"
    )
    rule: (
        Annotated[
            Glob, Meta(description="Pattern for any rule whose alerts are part of the incident.", examples=["apply_*"])
        ]
        | None
    ) = None
    labels: Annotated[
        dict[str, Glob],
        Meta(description="Patterns for labels of the cluster's nodes.", examples=[{"team": "payments"}]),
    ] = {}

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The pattern for rules matches one."""
        if self.rule is not None and not any(fnmatchcase(name, self.rule.replace("[", "[[]")) for name in RULES):
            near = get_close_matches(self.rule, RULES, 1)
            hint = f"did you mean {near[0]}?" if near else "`leadline rules list` lists the rules"
            yield ("rule",), f"matches no rule; {hint}"


class EscalateSettings(Settings, frozen=True, kw_only=True):
    """Further targets of an incident that nobody acknowledges."""

    after_s: Annotated[
        float,
        Meta(
            ge=30,
            le=7 * 86400,
            description="Time from the detection, or the return of the problem, after which they are notified.",
            examples=[900],
        ),
    ]
    to: Annotated[list[Glob], Meta(min_length=1, description="Names of targets.", examples=[["pagerduty"]])]


class RouteSettings(Settings, frozen=True, kw_only=True):
    """The targets of incidents. The first route that matches decides; with `continue`, later ones are added."""

    match: RouteMatch = RouteMatch()
    to: Annotated[
        list[Glob],
        Meta(description="Names of targets; with an empty list, none is notified.", examples=[["slack", "pagerduty"]]),
    ]
    escalate: Annotated[
        list[EscalateSettings],
        Meta(max_length=10, description="Targets that are added while nobody acknowledges an incident that pages."),
    ] = []
    hours: HoursSettings | None = None
    outside_to: (
        Annotated[
            list[Glob],
            Meta(
                description="Targets in place of `to` outside of the hours. Those of `to` are notified when the hours "
                "begin, of what is open then.",
                examples=[["pagerduty"]],
            ),
        ]
        | None
    ) = None
    hold: Annotated[
        Literal["notices", "pages"],
        Meta(
            description="Outside of the hours, without `outside_to`: `notices` holds back notices of audits until the "
            "hours begin, and pages are sent; `pages` holds back pages, too."
        ),
    ] = "notices"
    continue_: Annotated[bool, Meta(description="Whether later routes are considered, too.")] = field(
        default=False, name="continue"
    )
    announce_silences: Annotated[
        bool,
        Meta(
            description="Whether the targets of this route are notified when silences that can hold back its incidents "
            "begin and end; see `notify.announce_silences`."
        ),
    ] = True

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Settings for the time outside of the hours need hours."""
        if self.hours is None and self.outside_to is not None:
            yield ("outside_to",), "not used without hours"
        if self.hours is None and self.hold == "pages":
            yield ("hold",), "not used without hours"
        if self.outside_to is not None and self.hold == "pages":
            yield ("hold",), "not used with outside_to, whose targets are notified"

    def names(self) -> Iterator[tuple[SettingPath, str]]:
        """The path and name of each target that is named."""
        yield from ((("to",), name) for name in self.to)
        yield from ((("outside_to",), name) for name in self.outside_to or ())
        for index, step in enumerate(self.escalate):
            yield from ((("escalate", index, "to"), name) for name in step.to)


class NotifySettings(Settings, frozen=True, kw_only=True):
    """When targets are notified."""

    group_wait_s: Annotated[
        Seconds, Meta(description="Longest wait of the first notification for a cause to be identified.")
    ] = 10.0
    critical_wait_s: Annotated[Seconds, Meta(description="The same wait for incidents of severity critical.")] = 5.0
    update_every_s: Annotated[Seconds, Meta(description="Shortest time between two updates of an incident.")] = 5.0
    repeat_s: Annotated[
        float,
        Meta(
            ge=0,
            le=7 * 86400,
            description="Time between reminders of an open incident that is not acknowledged; 0 disables them.",
        ),
    ] = 4 * 3600.0
    repeat_acknowledged_s: Annotated[
        float,
        Meta(
            ge=0,
            le=7 * 86400,
            description="The same for one that is acknowledged: somebody may have forgotten it; 0 disables them.",
        ),
    ] = 8 * 3600.0
    reopen_s: Annotated[
        float,
        Meta(
            ge=0,
            le=7 * 86400,
            description="Time after which the alert of an open incident is triggered at PagerDuty again. This opens an "
            "alert that somebody resolved by hand, and changes nothing otherwise; 0 disables it.",
        ),
    ] = 1800.0
    unseen_ack_s: Annotated[
        Seconds,
        Meta(
            description="Time after a page from which an incident that becomes more severe, or gets another first "
            "cause, is paged under a new key, since somebody may have acknowledged the page in PagerDuty."
        ),
    ] = 300.0
    settle_s: Annotated[
        Seconds,
        Meta(
            description="Time for which an incident that has returned must stay resolved until its end is reported, "
            "for each return; at most 15 minutes in all. 0 reports each end at once."
        ),
    ] = 60.0
    datacenter_clusters: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Clusters that see no server in a datacenter, from which people are notified of the datacenter "
            "once, and not of each cluster; those that last longer are notified after it. 0 disables this.",
        ),
    ] = 5
    announce_silences: Annotated[
        Literal["always", "held", "never"],
        Meta(
            description="When targets are notified of silences: `always`, of their beginning, and of their end with "
            "what they held back; `held`, of the end of those that held something back; or `never`. Targets that "
            "page, such as PagerDuty, never are."
        ),
    ] = "always"
    console_url: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^\s/?#@]+$",
                max_length=100,
                extra={"allowed": "an address without a path, such as https://leadline.example.org"},
                description="Address under which people reach the console, the same as its `web.url`. Messages then "
                "link the page of the incident, and the form that silences it.",
                examples=["https://leadline.example.org"],
            ),
        ]
        | None
    ) = None
    runbook_url: (
        Annotated[
            HttpAddress,
            Meta(
                description="Base URL of a place where you have the runbooks; the path `docs/runbooks/<rule>.md` is "
                "appended. Without it messages have no links, and name the command `leadline runbook`.",
                examples=["https://wiki.example.org/leadline"],
            ),
        ]
        | None
    ) = None
    acknowledge: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            description="Command that acknowledges an incident, as messages show it; the incident's identity follows.",
        ),
    ] = "leadline incidents ack"
    replayed: Annotated[
        bool, Meta(description="Whether targets are notified of incidents that `leadline replay` made.")
    ] = False

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The critical wait no longer, reminders no faster than updates."""
        if self.critical_wait_s > self.group_wait_s:
            yield ("critical_wait_s",), f"must be at most group_wait_s, which is {self.group_wait_s:g}"
        for name, every_s in (("repeat_s", self.repeat_s), ("repeat_acknowledged_s", self.repeat_acknowledged_s)):
            if 0 < every_s < self.update_every_s:
                yield (name,), f"must be 0, or at least update_every_s, which is {self.update_every_s:g}"
