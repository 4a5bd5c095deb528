"""Addresses in settings: of HTTP servers and of mailboxes."""

import re
from typing import Annotated, Final

from msgspec import Meta

from leadline.settings.secret import Secret

Glob = Annotated[str, Meta(min_length=1, max_length=255)]
HttpAddress = Annotated[
    str, Meta(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$", extra={"allowed": "an http or https address"})
]
MailAddress = Annotated[
    str,
    Meta(
        pattern=r"^[^\s@<>,;:\"()\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$",
        max_length=254,  # RFC 5321, section 4.5.3.1.3, without the angle brackets
        extra={"allowed": "an address such as dba@example.org, without a name"},
    ),
]

_LOGIN: Final = r"([^\s/?#@]*@)?"
_HOST: Final = r"(\[[0-9A-Fa-f:.]+(%25[\w.~-]+)?\]|[^\s/?#@:\[\]]+)(:\d{1,5})?"
"""A name, or an address, and a port; an address of IPv6 is in brackets (RFC 3986, section 3.2.2)."""


def is_http_url(url: Secret) -> bool:
    """Whether a secret is a URL of HTTP with a host."""
    return re.fullmatch(rf"https?://{_LOGIN}{_HOST}([/?]\S*)?", url.reveal()) is not None


def is_proxy(address: str) -> bool:
    """Whether a text is the address of an HTTP proxy, with or without a login."""
    return re.fullmatch(rf"https?://{_LOGIN}{_HOST}/?", address) is not None
