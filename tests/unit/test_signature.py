"""Signatures: made by agents and people, required by the worker, and refused where the key is another cluster's."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from leadline.errors import BadRecord
from leadline.settings.secret import Secret
from leadline.signature import SIGNATURE, SignatureCheck, Signer, cluster_key
from leadline.wire import UNSIGNED, Outgoing

SECRET = "correct horse battery staple".replace(" ", "-")
RECORD = Outgoing("leadline.samples", b"orders", b'{"kind":"sample"}', [("ce_id", b"1")])


def read(record: Outgoing) -> Any:
    """As a consumer has it."""
    return SimpleNamespace(key=record.key, value=record.value, headers=tuple(record.headers))


def agent(cluster: str, secret: str = SECRET) -> Signer:
    """An agent that has the key of one cluster."""
    return Signer(None, {cluster: Secret(cluster_key(secret, cluster.encode()))})


def test_what_the_key_of_its_cluster_signed_is_taken() -> None:
    """Whether by the key or by the secret, of which the key is made; other headers stay."""
    signed = agent("orders").sign(RECORD)
    assert signed.headers[0] == ("ce_id", b"1")
    assert signed == Signer(Secret(SECRET)).sign(RECORD)
    SignatureCheck(Secret(SECRET)).check(read(signed))
    SignatureCheck(Secret(SECRET)).check(read(Signer(Secret(SECRET)).sign(replace(RECORD, key=None))))


def test_without_a_key_nothing_is_signed() -> None:
    assert Signer(None).sign(RECORD) is RECORD
    assert agent("users").sign(RECORD) is RECORD
    assert SignatureCheck.of(None) is None


FORGED = {
    "nothing": RECORD,
    "another secret": agent("orders", "guessed").sign(RECORD),
    "another cluster": replace(agent("users").sign(replace(RECORD, key=b"users")), key=b"orders"),
    "another value": replace(agent("orders").sign(RECORD), value=b'{"kind":"tick"}'),
    "no content": replace(RECORD, headers=[(SIGNATURE, b"")]),
    "no ASCII": replace(RECORD, headers=[(SIGNATURE, b"\xff" * 64)]),
}


@pytest.mark.parametrize("record", FORGED.values(), ids=FORGED)
def test_everything_else_is_refused(record: Outgoing) -> None:
    with pytest.raises(BadRecord) as refused:
        SignatureCheck(Secret(SECRET)).check(read(record))
    assert refused.value.reason == UNSIGNED
    assert SIGNATURE in refused.value.detail


def test_a_secret_is_replaced_without_a_pause() -> None:
    """The stream has both at first: it takes what is signed with either, and signs with the new one."""
    both = Secret(f"new {SECRET}")
    SignatureCheck(both).check(read(agent("orders").sign(RECORD)))
    SignatureCheck(both).check(read(agent("orders", "new").sign(RECORD)))
    assert Signer(both).sign(RECORD) == agent("orders", "new").sign(RECORD)
