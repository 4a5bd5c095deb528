"""Signatures of observations: who may write to the topic of the samples may not write for every cluster.

Each cluster has a key, which is made from one secret: the HMAC-SHA-256 of the cluster's name. An observation has the
HMAC-SHA-256 of its value by the key of its cluster in a header. A tick is of no cluster, and its key that of an empty
name.
"""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Self

from leadline.errors import BadRecord
from leadline.settings.secret import Secret
from leadline.wire import UNSIGNED, Outgoing

SIGNATURE: Final = "leadline-signature"
"""Name of the header: 64 hexadecimal digits."""
_HASH: Final = "sha256"


def cluster_key(secret: str, cluster: bytes) -> str:
    """The key of a cluster, as its agents have it in their settings."""
    return hmac.digest(secret.encode(), cluster, _HASH).hex()


def signature(key: str, value: bytes) -> bytes:
    """The content of the header."""
    return hmac.digest(key.encode(), value, _HASH).hex().encode()


class Signer:
    """Signs with the keys of some clusters, or with the secret for every one; without either it changes nothing."""

    def __init__(self, secret: Secret | None, keys: Mapping[str, Secret] | None = None) -> None:
        """Raises UsageError when a file of a secret cannot be read."""
        self._secret = secret.reveal().split()[0] if secret is not None else None
        self._keys = {cluster.encode(): key.reveal() for cluster, key in (keys or {}).items()}

    def sign(self, record: Outgoing) -> Outgoing:
        """The record of an observation with its signature."""
        key = self._keys.get(record.key or b"")
        if key is None and self._secret is not None:
            key = cluster_key(self._secret, record.key or b"")
        if key is None:
            return record
        return replace(record, headers=[*record.headers, (SIGNATURE, signature(key, record.value or b""))])


class SignatureCheck:
    """Refuses observations without the signature of their cluster.

    The secret may be several, separated by white space, while it is replaced: the first one signs, all are accepted.
    """

    def __init__(self, secret: Secret) -> None:
        """Raises UsageError when the file of the secret cannot be read."""
        secrets = secret.reveal().split()

        @lru_cache(maxsize=100_000)
        def keys(cluster: bytes) -> list[str]:
            return [cluster_key(each, cluster) for each in secrets]

        self._keys = keys

    @classmethod
    def of(cls, secret: Secret | None) -> Self | None:
        """None where nothing is signed."""
        return cls(secret) if secret is not None else None

    def check(self, record: Any) -> None:
        """Raise BadRecord for a record of aiokafka that its cluster's key did not sign."""
        given = dict(record.headers).get(SIGNATURE)
        if given is None:
            raise BadRecord(UNSIGNED, f"there is no header {SIGNATURE}")
        valid = (signature(key, record.value or b"") for key in self._keys(record.key or b""))
        if not any(hmac.compare_digest(given, each) for each in valid):
            raise BadRecord(UNSIGNED, f"the header {SIGNATURE} is not of the key of cluster {record.key!r:.100}")
