"""Addresses in settings: of HTTP servers and of mailboxes."""

import re
from typing import Annotated

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


def is_http_url(url: Secret) -> bool:
    """Whether a secret is a URL of HTTP with a host."""
    return re.fullmatch(r"https?://([^\s/?#@]*@)?[^\s/?#@:]+(:\d{1,5})?([/?]\S*)?", url.reveal()) is not None
