"""Settings of a target to which bodies of your own form are posted."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from leadline.settings.addresses import is_http_url
from leadline.settings.declare import SettingPath, Settings
from leadline.settings.secret import Secret


class TemplateSettings(Settings, frozen=True, kw_only=True):
    """Any HTTP receiver, with bodies that a template of yours makes."""

    url: (
        Annotated[
            Secret,
            Meta(
                description="URL to which the bodies are posted. The URL is treated as a secret.",
                examples=["https://chat.example.org/hooks/leadline"],
            ),
        ]
        | None
    ) = None
    file: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=1000,
                description="File of the template (Jinja). It is read for each notification.",
                examples=["/etc/leadline/chat.json.j2"],
            ),
        ]
        | None
    ) = None
    content_type: Annotated[
        str,
        Meta(
            pattern=r"^[a-zA-Z0-9.+-]+/[a-zA-Z0-9.+-]+(; ?charset=[a-zA-Z0-9-]+)?$",
            max_length=100,
            description="Content type of the bodies. One of JSON is checked to be JSON.",
            extra={"allowed": "a content type such as application/json"},
        ),
    ] = "application/json"
    authorization: (
        Annotated[Secret, Meta(description="The header `Authorization`, whole.", examples=["in a file, better"])] | None
    ) = None

    @property
    def wanted(self) -> bool:
        """Whether anything is set."""
        return self.url is not None

    def check(self) -> Iterator[tuple[SettingPath, str]]:
        """A URL needs a template, and a template a URL."""
        if self.url is not None and self.file is None:
            yield ("file",), "missing; it is the template of the bodies"
        if self.url is None and (self.file is not None or self.authorization is not None):
            yield ("url",), "missing; it is the address to which the bodies are posted"
        if self.url is not None and not is_http_url(self.url):
            yield ("url",), "not a URL; give https://host/path"
