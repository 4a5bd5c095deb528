"""Settings of how people's actions come in from where they are: buttons in Slack, webhooks of PagerDuty."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret


class InboundSettings(Settings, frozen=True, kw_only=True):
    """Acknowledgements and silences that people give in Slack and PagerDuty. Off unless something is set here."""

    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Port for requests of Slack and PagerDuty; 0 means off. Put a proxy with TLS before it.",
        ),
    ] = 0
    address: Annotated[str, Meta(min_length=1, max_length=255, description="Address to listen on.")] = "127.0.0.1"
    slack_app_token: (
        Annotated[
            Secret,
            Meta(
                description="App-level token (`xapp-…`) with the scope `connections:write`: buttons come through "
                "Socket Mode, without a port.",
                examples=["in a file, better"],
            ),
        ]
        | None
    ) = None
    slack_signing_secret: (
        Annotated[
            Secret,
            Meta(
                description="Signing secret of the Slack app: buttons come to `/slack/actions` on the port. While it "
                "is replaced, its file may hold the new and the old one, one on each line.",
                examples=["in a file, better"],
            ),
        ]
        | None
    ) = None
    pagerduty_secret: (
        Annotated[
            Secret,
            Meta(
                description="Secret of a webhook subscription (V3) of PagerDuty, which comes to `/pagerduty/webhook`. "
                "Its file may hold those of several subscriptions, one on each line.",
                examples=["in a file, better"],
            ),
        ]
        | None
    ) = None
    people: Annotated[
        dict[str, Annotated[str, Meta(min_length=1, max_length=255)]],
        Meta(
            description="Names of people by their id in Slack or PagerDuty. Without one, the vendor's name is used.",
            examples=[{"U012AB3CD": "ada"}],
        ),
    ] = {}
    only_people: Annotated[bool, Meta(description="Whether actions of others than `people` are refused.")] = False

    @property
    def wanted(self) -> bool:
        """Whether anything is to come in."""
        return self.slack_app_token is not None or self.port > 0

    @property
    def slack_wanted(self) -> bool:
        """Whether buttons in Slack have somewhere to go."""
        return self.slack_app_token is not None or (self.port > 0 and self.slack_signing_secret is not None)

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """Requests need a port and the secret by which they are known; a person's name needs a person."""
        secrets = {"slack_signing_secret": self.slack_signing_secret, "pagerduty_secret": self.pagerduty_secret}
        if self.port and not any(secrets.values()):
            yield ("port",), "no request could be known; set slack_signing_secret or pagerduty_secret"
        for name, secret in secrets.items():
            if secret is not None and not self.port:
                yield (name,), "not used without port, to which the requests come"
        if self.slack_app_token is not None and not self.slack_app_token.reveal().startswith("xapp-"):
            yield ("slack_app_token",), "not an app-level token, which begins with xapp-"
        if self.slack_app_token is not None and self.slack_signing_secret is not None:
            yield ("slack_app_token",), "slack_signing_secret is set, too; an app has Socket Mode or a request URL"
        if self.only_people and not self.people:
            yield ("only_people",), "nobody is in people, so every action would be refused"
