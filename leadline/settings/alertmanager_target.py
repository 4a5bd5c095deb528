"""Settings of a target that is an Alertmanager of Prometheus."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from leadline.settings.addresses import HttpAddress
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret


class AlertmanagerSettings(Settings, frozen=True, kw_only=True):
    """Alertmanager, by its API v2."""

    urls: Annotated[
        list[HttpAddress],
        Meta(
            max_length=10,
            description="Base URLs of all instances of one Alertmanager: they do not pass alerts on to each other.",
            examples=[["http://alertmanager-0:9093", "http://alertmanager-1:9093"]],
        ),
    ] = []
    username: (
        Annotated[str, Meta(min_length=1, max_length=255, description="User name of the login.", examples=["leadline"])]
        | None
    ) = None
    password: Annotated[Secret, Meta(description="Password of the login.", examples=["in a file, better"])] | None = (
        None
    )
    token: (
        Annotated[Secret, Meta(description="Bearer token, in place of a login.", examples=["in a file, better"])] | None
    ) = None
    resend_s: Annotated[
        float,
        Meta(
            ge=30,
            le=3600,
            description="Time after which an open incident is sent again: Alertmanager forgets alerts at a restart.",
        ),
    ] = 300.0
    expire_s: Annotated[
        float,
        Meta(
            ge=120,
            le=30 * 86400,
            description="Time after which Alertmanager takes an incident for resolved when it is not sent again.",
        ),
    ] = 3600.0

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return bool(self.urls)

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """One kind of login; alerts are sent again several times before they expire."""
        if (self.username is None) != (self.password is None):
            missing = "password" if self.password is None else "username"
            yield (missing,), "missing; a login needs username and password"
        if self.token is not None and self.username is not None:
            yield ("token",), "username is set, too; set one of them"
        if self.expire_s < 3 * self.resend_s:
            yield ("expire_s",), f"must be at least three times resend_s, which is {self.resend_s:g}"
