"""Sizes of messages in Teams, and our own share of them."""

from typing import Final

MESSAGE_BYTES: Final = 28 * 1024
"""Microsoft documents about 28 KB for a message; a larger one fails with ``MessageSizeExceeded``, which names 28672
bytes. The card is counted as a text inside the message, with its quotation marks escaped: a request of 24453 bytes was
counted as 28897 (MicrosoftDocs/msteams-docs issue 11274)."""
CARD_BYTES: Final = 24 * 1024
"""Of a card counted in this way: the workflow adds its own properties."""
VERSION: Final = "1.4"
"""Of the schema of Adaptive Cards. Teams shows cards up to 1.5, its mobile programs fewer elements of the last one."""
