"""E-mail, on a real mail server: threads, duplicates, refusals, TLS and logins."""

from collections.abc import Iterator
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from leadline.clock import ManualClock
from leadline.settings.email_target import EmailSettings
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline_sinks.email.sink import EmailSink
from leadline_sinks.email.smtp import Smtp
from leadline_sinks.notify.lease import NotOwner
from leadline_sinks.notify.sink import DeliveryOutcome, GiveUp, NothingNew, Notification, Reason, Retry, Sent
from tests.fixtures.certificates import Authority
from tests.fixtures.mail import HOST, LOGIN, Mailbox, mail_server
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Conformance

ADA, BEA = "ada@example.org", "bea@example.org"


def settings(port: int, **changes: Any) -> EmailSettings:
    given: dict[str, Any] = {
        "host": HOST,
        "port": port,
        "encryption": "none",
        "sender": "leadline@example.org",
        "to": [ADA, BEA],
    }
    return EmailSettings(**given | changes)


def sink(box: Mailbox, **changes: Any) -> EmailSink:
    given = settings(box.port, **changes)
    return EmailSink(given, NotifySettings(), Smtp(given), ManualClock(made.START))


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as made_box:
        yield made_box


async def deliver(to: EmailSink, notification: Notification, receipt: Any = ()) -> DeliveryOutcome:
    """Deliver, with a receipt as Kafka would give it back, and check the outcome as that of every sink."""
    outcome = await to.deliver(made.with_receipt(notification, Conformance.through_kafka(dict(receipt))))
    common = Conformance()
    common.secrets = (LOGIN[1],)
    common.check(outcome)
    return outcome


def text(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def test_the_life_of_an_incident_is_one_thread(box: Mailbox) -> None:
    """Every message refers to the first one and has its subject; an update that changes nothing for people is none."""
    to: Any = sink(box)
    receipt: Any = {}
    for notification in made.life():
        before = len(box.got)
        outcome = await deliver(to, notification, receipt)
        assert isinstance(outcome, Sent if len(box.got) > before else NothingNew), notification.occasion
        receipt = outcome.receipt
    messages = [message for _, message in box.got]
    first = messages[0]
    assert len({message["Message-ID"] for message in messages}) == len(messages)
    assert first["References"] is None
    assert all(first["Message-ID"] in message["References"] for message in messages[1:])
    assert {message["Subject"].removeprefix("Re: ") for message in messages} == {first["Subject"]}
    for before, message in pairwise(messages):
        assert message["In-Reply-To"] == before["Message-ID"]
    assert all(sorted(recipients) == [ADA, BEA] for recipients, _ in box.got)


async def test_the_subject_is_one_that_gmail_keeps_apart(box: Mailbox) -> None:
    """Gmail ignores what is in square brackets (TwiN/gatus issue 1563), and joins messages of one subject
    (exercism/exercism issue 3984): the subject names the problem without brackets, and when it began."""
    about = made.incident(title="orders: [pg-2] is behind")
    await deliver(sink(box), made.notification(incident=about))
    again = made.incident(title="orders: [pg-2] is behind", opened_at=made.later(3600))
    await deliver(sink(box), made.notification(incident=again))
    first, second = (message["Subject"] for _, message in box.got)
    assert first == "orders: (pg-2) is behind, since 2026-04-10 10:00 UTC"
    assert first != second


async def test_the_first_line_says_whether_it_is_over(box: Mailbox) -> None:
    """One subject for both leaves people in doubt unless the message says it at once (getredash/redash issue 1144)."""
    to = sink(box)
    first = await deliver(to, made.notification())
    assert isinstance(first, Sent)
    await deliver(to, made.notification("resolved"), first.receipt)
    opened, resolved = (text(message) for _, message in box.got)
    assert opened.startswith("CRITICAL: orders: replay on pg-2 is blocked by a query")
    assert resolved.startswith("RESOLVED: orders: replay on pg-2 is blocked by a query; resolved after 5 min")
    assert "    SELECT pg_terminate_backend(4711);" in opened
    assert "<pre" in text(box.got[0][1], "html")


async def test_a_message_whose_answer_was_lost(box: Mailbox) -> None:
    """It is sent again, as the same message: servers and mail programs know it by its Message-ID
    (freescout-help-desk/freescout issue 5457, pimalaya/core issue 46: each attempt was another message)."""
    box.lose = True
    lost = await deliver(sink(box), made.notification())
    assert isinstance(lost, Retry)
    assert lost.reason is Reason.TIMEOUT
    box.lose = False
    assert isinstance(await deliver(sink(box), made.notification()), Sent)
    assert len(box.got) == 2
    assert len({message["Message-ID"] for _, message in box.got}) == 1


async def test_one_address_that_is_greylisted(box: Mailbox) -> None:
    """The others have the message at once, and do not get it a second time when that one gets it."""
    box.answers = {BEA: "451 4.7.1 greylisted, try again later"}
    first = await deliver(sink(box), made.notification())
    assert isinstance(first, Retry)
    assert first.receipt is not None
    assert [recipients for recipients, _ in box.got] == [[ADA]]
    box.answers = {}
    second = await deliver(sink(box), made.notification(), first.receipt)
    assert isinstance(second, Sent)
    assert [recipients for recipients, _ in box.got] == [[ADA], [BEA]]
    assert box.got[0][1]["Message-ID"] == box.got[1][1]["Message-ID"]


async def test_one_address_that_does_not_exist(box: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    """The others get the message, and the process log names how many did not; a test fails."""
    box.answers = {BEA: "550 5.1.1 no such user"}
    assert isinstance(await deliver(sink(box), made.notification()), Sent)
    assert "1 of 2 addresses of email.to are refused" in caplog.text
    tested = await sink(box).test()
    assert isinstance(tested, Retry)
    assert tested.reason is Reason.TARGET_GONE


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({ADA: "550 no", BEA: "551 no"}, Reason.TARGET_GONE),
        ({ADA: "550 no", BEA: "450 later"}, Reason.UNAVAILABLE),
        ({"MAIL": "553 5.7.1 not your sender"}, Reason.UNAUTHORIZED),
        ({"MAIL": "421 too many connections"}, Reason.UNAVAILABLE),
        ({"MAIL": "452 4.3.1 full"}, Reason.UNAVAILABLE),
        ({"DATA": "451 later"}, Reason.UNAVAILABLE),
        ({"DATA": "554 5.7.1 spam"}, Reason.REJECTED),
        ({"DATA": "552 too large"}, Reason.REJECTED),
    ],
)
async def test_a_refusal(box: Mailbox, answers: dict[str, str], reason: Reason) -> None:
    """Each answer of the server gives its reason; content is given up only after the short form was refused, too."""
    box.answers = answers
    outcome = await deliver(sink(box), made.notification())
    assert isinstance(outcome, GiveUp if reason is Reason.REJECTED else Retry)
    assert outcome.reason is reason
    assert box.got == []


@pytest.mark.parametrize("name", made.HOSTILE, ids=lambda name: ascii(name[:12]))
async def test_hostile_names(box: Mailbox, name: str) -> None:
    """No name adds a header, a recipient or markup."""
    about = made.hostile(name)
    for occasion in ("opened", "noted", "resolved"):
        state = msgspec.structs.replace(about, state="resolved" if occasion == "resolved" else "open")
        note = made.action("note", by=name or "x", text=name[:4000])
        outcome = await deliver(sink(box), made.notification(occasion, incident=state, actions=(note,)))
        assert isinstance(outcome, Sent)
    for recipients, message in box.got:
        assert recipients == [ADA, BEA]
        assert message["To"] == f"{ADA}, {BEA}"
        assert message["level"] is None
        assert "<!channel>" not in text(message, "html")
        assert message["Auto-Submitted"] == "auto-generated"


async def test_a_server_that_is_away() -> None:
    """Nothing was handed over, so the reason is not one after which the message may have arrived."""
    with mail_server() as box:
        port = box.port
    given = settings(port)
    to = EmailSink(given, NotifySettings(), Smtp(given), ManualClock(made.START))
    outcome = await deliver(to, made.notification())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.UNREACHABLE


async def test_nothing_is_sent_of_an_incident_that_moved(box: Mailbox) -> None:
    """The lease is held before the message is handed over, not only before the connection."""
    asked = 0

    async def before() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise NotOwner("the incidents are another process's")

    given = settings(box.port)
    to = EmailSink(given, NotifySettings(), Smtp(given, before), ManualClock(made.START))
    with pytest.raises(NotOwner):
        await to.deliver(made.notification())
    assert box.got == []


@pytest.mark.parametrize("tls", [False, True], ids=["starttls", "tls"])
async def test_encryption_and_login(tmp_path: Path, tls: bool) -> None:
    """With the right password the message is sent; a wrong one, and an unknown authority, are named and not shown."""
    authority = Authority(tmp_path)
    kind = "tls" if tls else "starttls"
    with mail_server(authority.certificate("mail", HOST), tls=tls, login=True) as box:
        given = {"encryption": kind, "username": LOGIN[0], "ca_file": str(authority.ca)}
        right = sink(box, password=Secret(LOGIN[1]), **given)
        assert isinstance(await deliver(right, made.notification()), Sent)
        assert len(box.got) == 1
        wrong = await deliver(sink(box, password=Secret("guessed"), **given), made.notification())
        assert isinstance(wrong, Retry)
        assert wrong.reason is Reason.UNAUTHORIZED
        assert "login" in wrong.detail
        unknown = await deliver(sink(box, password=Secret(LOGIN[1]), **{**given, "ca_file": None}), made.notification())
        assert isinstance(unknown, Retry)
        assert unknown.reason is Reason.UNAUTHORIZED
        assert "certificate" in unknown.detail
        missing = await deliver(
            sink(box, password=Secret.in_file(tmp_path / "no-such-file"), **given), made.notification()
        )
        assert isinstance(missing, Retry)
        assert "no-such-file" in missing.detail
        assert len(box.got) == 1


async def test_a_server_without_starttls(box: Mailbox) -> None:
    """Nothing is sent in clear, although the server would take it."""
    outcome = await deliver(sink(box, encryption="starttls"), made.notification())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.UNAUTHORIZED
    assert box.got == []
