"""A client session in words: its program, its user, and how long its transaction has been open."""

from leadline.model.activity import Session
from leadline.words import duration


def brief(session: Session, node: str) -> str:
    """For a sentence: ``pid 4711 on pg-2 (monthly_report, user report, active, open for 42 s)``."""
    # One that is just ending has no age.
    opened = [f"open for {duration(session.age_s)}"] if session.age_s else []
    facts = ", ".join(filter(None, [*_owner(session), session.state, *opened]))
    return f"pid {session.pid} on {node} ({facts})" if facts else f"pid {session.pid} on {node}"


def described(session: Session) -> str:
    """For the evidence: everything but its query."""
    facts = [f"pid {session.pid}", *_owner(session), session.state, f"{duration(session.age_s)} old"]
    facts += [f"holds {session.holds}"] if session.holds else []
    return ", ".join(fact for fact in facts if fact)


def _owner(session: Session) -> list[str]:
    named = (
        ("", session.application),
        ("user ", session.user),
        ("database ", session.database),
        ("from ", session.client),
    )
    return [f"{kind}{name}" for kind, name in named if name]
