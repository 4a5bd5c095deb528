"""Settings of a target that is a channel or chat of Microsoft Teams."""

import re
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from leadline.settings.addresses import is_http_url
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret

_CONNECTOR = re.compile(r"(^|\.)(webhook\.office\.com|outlook\.office(365)?\.com)$", re.IGNORECASE)
"""Hosts of the connectors of Office 365, which Microsoft has retired (prometheus/alertmanager issue 3920)."""


class TeamsSettings(Settings, frozen=True, kw_only=True):
    """Microsoft Teams, by a workflow that posts what it gets."""

    url: (
        Annotated[
            Secret,
            Meta(
                description="URL of a workflow that begins with a Teams webhook request. The URL is a secret.",
                examples=["in a file, better"],
            ),
        ]
        | None
    ) = None

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.url is not None

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """The URL is one, and not that of a connector."""
        if self.url is None:
            return
        if not is_http_url(self.url):
            yield ("url",), "not a URL; copy that of the workflow"
        elif _CONNECTOR.search(urlsplit(self.url.reveal()).hostname or ""):
            yield ("url",), "the URL of an Office 365 connector, which was retired; create a workflow in its place"
